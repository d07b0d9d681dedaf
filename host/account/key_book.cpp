#include "account/key_book.hpp"

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "base/sha256.hpp"

namespace podium {

void KeyBook::reload(KeyRing of_file) {
  std::lock_guard lock(mutex_);
  of_file_ = of_file.keys();
  admin_ = of_file.admin_sha256();
  std::vector<KeyConfig> managed = managed_;
  try {
    managed = store_.keys();
    incomplete_ = false;
  } catch (const Failure& failure) {
    incomplete_ = true;
    log_.error("the keys of the database cannot be read; those known before stay valid",
               {{"why", failure.what()}});
  }
  publish(std::move(managed));
}

void KeyBook::catch_up() {
  std::lock_guard lock(mutex_);
  if (!incomplete_) return;
  publish(store_.keys());
  incomplete_ = false;
  log_.info("the keys of the database are known again");
}

void KeyBook::publish(std::vector<KeyConfig> managed) {
  managed_ = std::move(managed);
  KeyRing ring = KeyRing::merged(of_file_, managed_);
  ring.set_admin(admin_);
  auto old = ring_.exchange(std::make_shared<const KeyRing>(std::move(ring)));
}

std::vector<KeyConfig> KeyBook::list() const {
  const auto ring = ring_.get();
  return ring ? ring->keys() : std::vector<KeyConfig>();
}

KeyConfig KeyBook::find(const std::string& id_or_digest) const {
  for (KeyConfig& key : list()) {
    if (key.id == id_or_digest || equal_constant_time(key.sha256, id_or_digest)) return key;
  }
  throw Failure(Code::kNotFound, "there is no such key");
}

NewKey KeyBook::create(KeyConfig entry) {
  std::lock_guard lock(mutex_);
  if (!is_key_id(entry.id)) {
    throw Failure(Code::kUnprocessable, "the id of a key must be 1 to 64 of A-Z, a-z, 0-9, . _ -")
        .with_field({"id", "must be 1 to 64 of A-Z, a-z, 0-9, . _ -", "value"});
  }
  for (const KeyConfig& key : of_file_) {
    if (key.id == entry.id) {
      throw Failure(Code::kConflict, "the keys' file has a key \"" + entry.id + "\" already");
    }
  }
  const std::string key = new_api_key();
  entry.sha256 = sha256_hex(key);
  entry.created = epoch_ms_now();
  entry.in_file = false;
  store_.add_key(entry);
  publish(store_.keys());
  return {key, entry};
}

KeyConfig KeyBook::change(const std::string& id_or_digest,
                          const std::function<void(KeyConfig&)>& how) {
  std::lock_guard lock(mutex_);
  KeyConfig entry = find(id_or_digest);
  const KeyConfig before = entry;
  how(entry);
  entry.id = before.id;
  entry.sha256 = before.sha256;
  entry.in_file = before.in_file;
  store_.put_key(entry);
  publish(store_.keys());
  return entry;
}

KeyConfig KeyBook::remove(const std::string& id_or_digest) {
  std::lock_guard lock(mutex_);
  KeyConfig entry = find(id_or_digest);
  if (entry.in_file) {
    throw Failure(Code::kConflict, "the key \"" + entry.id +
                                       "\" stands in the keys' file: take it out there and reload, "
                                       "or disable it");
  }
  if (!store_.remove_key(entry.id)) throw Failure(Code::kNotFound, "there is no such key");
  publish(store_.keys());
  return entry;
}

}  // namespace podium
