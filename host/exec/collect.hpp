#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "exec/in_use.hpp"
#include "exec/staging.hpp"
#include "exec/walk.hpp"

namespace podium {

/// Where the outputs of a run are, and what bounds them.
struct CollectRequest {
  int changes = -1;  ///< directory of what the program changed; -1: nothing
  int merged = -1;   ///< the workspace as the program saw it at its end; -1: unknown
  OutputFilesConfig bounds;
  Bytes max_file = 0;
  std::string session;  ///< the files will belong to
};

/// What a run left behind. Files are stored but no record names them yet.
struct Collection {
  std::vector<FileRecord> files;     ///< new and changed, by name
  std::vector<InUse::Hold> holds;    ///< of their blobs, until they are committed
  std::vector<std::string> deleted;  ///< names of inputs that are gone
  std::vector<std::string> gone;     ///< ids of those among them that are files of the session
  std::set<std::string> changed;     ///< names of inputs that are no longer what they were
  std::vector<std::string> left_out;
  std::vector<std::string> failures;  ///< of the storage, for the log
};

/// What a run changed, before any of it is read.
struct Survey {
  std::vector<FoundFile> files;
  LeftOut left_out;
  Bytes bytes = 0;  ///< of all files that may be kept: how much there is to hash
};

/// Looks at what a run changed without reading it; quick. Throws Failure when the workspace cannot
/// be read.
Survey survey(const CollectRequest& request);

/// Stores what a run changed, hashing it on the way; blocking. Nothing is followed, nothing
/// unchanged is read. An input that was written but has the content it had is not a change;
/// read-only inputs are never collected. What is too much, too large or no regular file is told in
/// left_out, and so is what could not be stored: a run's answer does not depend on it. Throws
/// Failure(kCancelled) when `cancelled` became true.
Collection collect(const CollectRequest& request, Survey found,
                   const std::vector<InputFile>& inputs, Storage& storage, InUse& in_use,
                   const std::function<bool()>& cancelled);

/// Removes what was stored, after all; what cannot be removed is left to the sweep.
void discard(Collection& collection, Storage& storage) noexcept;

}  // namespace podium
