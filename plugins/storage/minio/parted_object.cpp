#include "parted_object.hpp"

#include <utility>

#include "documents.hpp"

namespace podium::s3 {

namespace {

using sdk::Error;

/// More are not taken by S3.
constexpr std::uint32_t kMostParts = 10'000;

}  // namespace

PartedObject::PartedObject(Client& client, sdk::Host host, std::string object, std::string doing)
    : client_(client), host_(host), object_(std::move(object)), doing_(std::move(doing)) {
  const Request begin{"POST", object_, {{"uploads", ""}}, {}};
  id_ = parse_upload_id(client_.call(doing_, begin).body);
}

PartedObject::~PartedObject() {
  if (completed_) return;
  try {
    client_.call("taking back an upload", {"DELETE", object_, {{"uploadId", id_}}, {}});
  } catch (const Error& error) {
    if (error.code() == PODIUM_NOT_FOUND) return;
    host_.warning("the parts of an upload that failed stay in the store until the sweep: " +
                  std::string(error.what()));
  }
}

void PartedObject::send(std::uint32_t number, const Payload& part) {
  if (number == 0 || number > kMostParts) {
    throw Error(PODIUM_INVALID_ARGUMENT, doing_ + ": part " + std::to_string(number) +
                                             ", expected 1 to " + std::to_string(kMostParts));
  }
  const Request request{
      "PUT", object_, {{"partNumber", std::to_string(number)}, {"uploadId", id_}}, {}};
  const Answer answer = client_.call(doing_, request, part);
  std::string etag = answer.head.header("etag");
  if (etag.empty()) {
    throw Error(PODIUM_UNAVAILABLE, doing_ + ": the store took a part but gave no ETag for it");
  }
  std::lock_guard lock(mutex_);
  if (etags_.size() < number) etags_.resize(number);
  etags_[number - 1] = std::move(etag);
}

std::string PartedObject::document() {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < etags_.size(); ++i) {
    if (!etags_[i].empty()) continue;
    throw Error(PODIUM_INVALID_ARGUMENT,
                doing_ + ": part " + std::to_string(i + 1) + " has not been sent");
  }
  if (etags_.empty()) throw Error(PODIUM_INVALID_ARGUMENT, doing_ + ": it has no parts");
  return complete_document(etags_);
}

void PartedObject::complete(std::uint64_t size) {
  const std::string parts = document();
  const Request request{"POST", object_, {{"uploadId", id_}}, {}};
  try {
    const Answer answer = client_.call(doing_, request, {{parts}, ""});
    // The store answers 200 before it has put the parts together, and may fail then.
    const ErrorDocument failed = parse_error(answer.body);
    if (!failed.code.empty()) {
      throw make_refusal(client_.settings(), doing_, answer.head, failed, now_ms());
    }
    if (!is_completed(answer.body) && !is_there(size)) {
      throw Error(PODIUM_UNAVAILABLE,
                  doing_ + ": the store broke off while it put the parts together");
    }
  } catch (const Refusal& refusal) {
    // A try before may have done it without our hearing of it.
    if (refusal.name() != "NoSuchUpload" || !is_there(size)) throw;
  }
  completed_ = true;
}

/// Whether the object is there, whole.
bool PartedObject::is_there(std::uint64_t size) {
  try {
    return client_.call(doing_, {"HEAD", object_, {}, {}}).head.length == size;
  } catch (const Refusal& refusal) {
    if (refusal.code() != PODIUM_NOT_FOUND) throw;
    return false;
  }
}

}  // namespace podium::s3
