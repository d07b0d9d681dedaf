#pragma once
/// How records become rows and back, for Poco::Data. No column is ever NULL, because Poco's SQLite
/// cannot tell NULL from an empty text.

#include <Poco/Data/TypeHandler.h>

#include <string>

#include "session/store.hpp"

namespace podium {

/// The columns of a FileRecord in the order of its handler below; `f` is files, `s` sessions.
inline constexpr char kFileColumns[] =
    "f.id, f.session, s.principal, f.name, f.blob, f.sha256, f.size, f.origin, f.kind, f.resource,"
    " f.version, f.read_only, f.modified_from, f.modified_from_session, f.created, s.tenant,"
    " f.tag";

/// The columns of a SessionRecord.
inline constexpr char kSessionColumns[] = "id, principal, entity, created, used, tenant";

}  // namespace podium

namespace Poco::Data {

template <>
class TypeHandler<podium::SessionRecord> {
 public:
  static std::size_t size() { return 6; }
  static void extract(std::size_t pos, podium::SessionRecord& out, const podium::SessionRecord&,
                      AbstractExtractor::Ptr from);
  static void prepare(std::size_t, const podium::SessionRecord&, AbstractPreparator::Ptr) {}
};

template <>
class TypeHandler<podium::FileRecord> {
 public:
  static std::size_t size() { return 17; }
  static void extract(std::size_t pos, podium::FileRecord& out, const podium::FileRecord&,
                      AbstractExtractor::Ptr from);
  static void prepare(std::size_t, const podium::FileRecord&, AbstractPreparator::Ptr) {}
};

}  // namespace Poco::Data
