#include "session/rows.hpp"

namespace Poco::Data {

namespace {

/// Reads columns one after the other.
class Columns {
 public:
  Columns(std::size_t first, AbstractExtractor& from) : next_(first), from_(from) {}

  void read(std::string& out) { from_.extract(next_++, out); }
  void read(Poco::Int64& out) { from_.extract(next_++, out); }
  Poco::Int64 integer() {
    Poco::Int64 value = 0;
    read(value);
    return value;
  }

 private:
  std::size_t next_;
  AbstractExtractor& from_;
};

}  // namespace

void TypeHandler<podium::SessionRecord>::extract(std::size_t pos, podium::SessionRecord& out,
                                                 const podium::SessionRecord&,
                                                 AbstractExtractor::Ptr from) {
  Columns columns(pos, *from);
  columns.read(out.id);
  columns.read(out.principal);
  columns.read(out.entity);
  out.created = columns.integer();
  out.used = columns.integer();
  columns.read(out.tenant);
}

void TypeHandler<podium::FileRecord>::extract(std::size_t pos, podium::FileRecord& out,
                                              const podium::FileRecord&,
                                              AbstractExtractor::Ptr from) {
  Columns columns(pos, *from);
  columns.read(out.id);
  columns.read(out.session);
  columns.read(out.principal);
  columns.read(out.name);
  columns.read(out.blob);
  columns.read(out.sha256);
  out.size = static_cast<podium::Bytes>(columns.integer());
  columns.read(out.origin);
  columns.read(out.kind);
  columns.read(out.resource);
  columns.read(out.version);
  out.read_only = columns.integer() != 0;
  columns.read(out.modified_from);
  columns.read(out.modified_from_session);
  out.created = columns.integer();
  columns.read(out.tenant);
  columns.read(out.tag);
}

}  // namespace Poco::Data
