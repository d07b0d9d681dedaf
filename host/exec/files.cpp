// Uploads and the use cases around files.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/failure.hpp"
#include "base/file_name.hpp"
#include "base/ids.hpp"
#include "exec/ownership.hpp"
#include "exec/state.hpp"
#include "exec/upload.hpp"

namespace podium {
namespace {

constexpr std::size_t kPiece = 256 << 10;

Failure not_found() { return Failure(Code::kNotFound, "File not found"); }

/// A blob opened for a download: a descriptor, which outlives the blob's removal, or its key.
struct OpenBlob {
  void read_remote(Bytes offset, Bytes length,
                   const std::function<bool(std::string_view)>& write) const {
    try {
      generation->storage().get(key, offset, length, write);
    } catch (const Failure& failure) {
      throw for_client(failure);
    }
  }

  std::shared_ptr<const Generation> generation;
  std::string key;
  UniqueFd fd;
  std::function<Failure(const Failure&)> for_client;

  void read(Bytes offset, Bytes length, const std::function<bool(std::string_view)>& write) const {
    if (!fd) return read_remote(offset, length, write);
    std::string buffer(std::min<Bytes>(length, kPiece), '\0');
    while (length > 0) {
      const std::size_t wanted = std::min<Bytes>(length, buffer.size());
      const ssize_t got = ::pread(fd.get(), buffer.data(), wanted, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        throw Failure(Code::kInternal, "reading a file: " + std::system_category().message(errno));
      }
      if (got == 0) throw Failure(Code::kInternal, "a stored file is shorter than it should be");
      if (!write({buffer.data(), static_cast<std::size_t>(got)})) {
        throw Failure(Code::kCancelled, "the reader left");
      }
      offset += static_cast<Bytes>(got);
      length -= static_cast<Bytes>(got);
    }
  }
};

/// `State` is ExecService's, which names it for itself only.
template <class State>
std::shared_ptr<const OpenBlob> open_blob(std::shared_ptr<const Generation> generation,
                                          State& state, const FileRecord& file) {
  auto blob = std::make_shared<OpenBlob>();
  blob->for_client = [owner = state.shared_from_this()](const Failure& failure) {
    return owner->for_client(failure);
  };
  Storage& storage = generation->storage();
  try {
    if (storage.has_local_files()) {
      blob->fd = storage.open_local(file.blob);
    } else {
      blob->fd = state.input_cache->find(stored_content(file));
      if (!blob->fd && !storage.head(file.blob)) throw not_found();
    }
  } catch (const Failure& failure) {
    throw blob->for_client(failure);
  }
  blob->generation = std::move(generation);
  blob->key = file.blob;
  return blob;
}

Task<std::string> read_piece(std::shared_ptr<const OpenBlob> blob, std::shared_ptr<Lane> lane,
                             Bytes offset, Bytes length) {
  auto work = [blob, offset, length] {
    std::string piece;
    piece.reserve(length);
    blob->read(offset, length, [&](std::string_view bytes) {
      piece.append(bytes);
      return true;
    });
    return piece;
  };
  auto piece = co_await in_lane(std::move(lane), nullptr, work);
  co_return std::move(*piece);
}

/// On the pool. Being asked for keeps a session alive, but is worth a write only now and then.
void note_use(SessionStore& sessions, const std::string& id) {
  constexpr EpochMs kMinute = 60'000;
  auto session = sessions.find_session(id);
  if (session && epoch_ms_now() - session->used > kMinute) {
    session->used = epoch_ms_now();
    sessions.commit_later(std::move(*session));
  }
}

/// On the pool: the record when the principal may see it.
FileRecord visible_file(SessionStore& sessions, const Principal& principal, const std::string& id,
                        const FileScope& scope) {
  std::optional<FileRecord> file;
  if (is_id(id)) file = sessions.find_file(id);
  if (!file || !may_use(principal, *file, scope)) throw not_found();
  note_use(sessions, file->session);
  return *file;
}

}  // namespace

const std::shared_ptr<ByteBudget>& ExecService::transfer_memory() const noexcept {
  return state_->transfers->memory();
}

void ExecService::reclaim_transfer_memory(std::chrono::steady_clock::time_point now) {
  state_->transfers->reclaim(now);
}

std::unique_ptr<Upload> ExecService::begin_upload(std::shared_ptr<const Generation> generation,
                                                  std::string name) {
  std::string canonical = canonical_file_name(name);
  const StorageLanes lanes = state_->lanes_of(*generation);
  StoredUpload::Host host{
      state_->io,
      *state_->in_use,
      lanes.work,
      lanes.large,
      state_->runs_dir,
      state_->transfers,
      [state = state_](auto owner, std::string key) {
        state->remove_blob_later(std::move(owner), std::move(key));
      },
      [state = state_](const Failure& failure) { return state->for_client(failure); }};
  return std::make_unique<StoredUpload>(std::move(host), std::move(generation), std::move(name),
                                        std::move(canonical));
}

Task<std::vector<UploadedFile>> ExecService::commit_uploads(
    const Principal& principal, const UploadForm& form,
    std::vector<std::unique_ptr<Upload>> uploads, std::string& session) {
  const EpochMs now = epoch_ms_now();
  const SessionRecord row{new_id(), principal.id, form.entity_id, now, now, principal.tenant};
  std::vector<FileRecord> records;
  std::vector<UploadedFile> answer;
  for (const auto& upload : uploads) {
    auto& stored = dynamic_cast<StoredUpload&>(*upload);
    FileRecord record = stored.record();
    record.session = row.id;
    record.kind = form.kind;
    record.resource = form.resource_id;
    record.version = form.version;
    record.read_only = form.read_only;
    answer.push_back({record.id, stored.given_name()});
    records.push_back(std::move(record));
  }
  // From here on nobody knows whether the rows are on disk until the database has answered: the
  // blobs stay, and when they turn out to be orphans, the sweep removes them.
  for (const auto& upload : uploads) dynamic_cast<StoredUpload&>(*upload).keep();
  auto work = [&] {
    state_->sessions.commit(row, records);
    return true;
  };
  auto asked = state_->on_database(work);
  co_await in_lane(state_->database, nullptr, asked);
  session = row.id;
  co_return answer;
}

Task<std::vector<FileRecord>> ExecService::list(const Principal& principal, std::string session,
                                                FileScope scope) {
  if (!is_id(session)) co_return std::vector<FileRecord>();
  auto work = [&] {
    std::vector<FileRecord> found = state_->sessions.files(session);
    std::erase_if(found, [&](const FileRecord& file) { return !may_use(principal, file, scope); });
    // The listing says that the files are fresh, and clients rely on it for a day.
    if (!found.empty()) note_use(state_->sessions, session);
    return found;
  };
  auto asked = state_->on_database(work);
  auto files = co_await in_lane(state_->database, nullptr, asked);
  co_return std::move(*files);
}

Task<FileRecord> ExecService::find(const Principal& principal, std::string file, FileScope scope) {
  auto work = [&] { return visible_file(state_->sessions, principal, file, scope); };
  auto asked = state_->on_database(work);
  auto found = co_await in_lane(state_->database, nullptr, asked);
  co_return std::move(*found);
}

Task<Download> ExecService::open(std::shared_ptr<const Generation> generation,
                                 const Principal& principal, std::string file, FileScope scope) {
  Download download;
  download.file = co_await find(principal, std::move(file), std::move(scope));
  const auto hold =
      std::make_shared<const InUse::Hold>(state_->in_use->hold(download.file.session));
  const auto lane = state_->lanes_of(*generation).work;
  auto work = [&] { return open_blob(generation, *state_, download.file); };
  const auto opened = co_await in_lane(lane, nullptr, work);
  const std::shared_ptr<const OpenBlob>& blob = *opened;
  download.read = [blob, hold](Bytes offset, Bytes length,
                               const std::function<bool(std::string_view)>& write) {
    blob->read(offset, length, write);
  };
  download.piece = [blob, lane, hold](Bytes offset, Bytes length) {
    return read_piece(blob, lane, offset, length);
  };
  co_return download;
}

Task<FileRecord> ExecService::remove(std::shared_ptr<const Generation> generation,
                                     const Principal& principal, std::string file,
                                     FileScope scope) {
  auto work = [&] {
    FileRecord found = visible_file(state_->sessions, principal, file, scope);
    if (found.principal != principal.id) {
      throw Failure(Code::kForbidden, "this file is another's, to be read here but not deleted");
    }
    if (!state_->sessions.remove_file(found.id)) throw not_found();  // someone was faster
    return found;
  };
  auto asked = state_->on_database(work);
  auto removed = co_await in_lane(state_->database, nullptr, asked);
  state_->remove_blob_later(std::move(generation), removed->blob);
  co_return std::move(*removed);
}

}  // namespace podium
