#include <podium/sdk/testing/test_config.hpp>
#include <podium/testing/loaded_storage.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>

namespace podium::sdk::testing {

namespace {

std::string text(podium_bytes value) {
  return value.size == 0 ? std::string() : std::string(value.data, value.size);
}

template <class Call>
Outcome answer(Call call) {
  podium_error error{};
  error.size = sizeof error;
  const podium_code code = call(&error);
  return {code, error.message};
}

const podium_storage_factory& factory_of(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  const auto* plugin = static_cast<const podium_plugin*>(dlsym(handle, PODIUM_PLUGIN_SYMBOL));
  if (plugin == nullptr) throw std::runtime_error(library + ": no " PODIUM_PLUGIN_SYMBOL);
  const void* factory = plugin->get_factory(PODIUM_FACTORY_STORAGE);
  if (factory == nullptr) throw std::runtime_error(library + ": no storage");
  return *static_cast<const podium_storage_factory*>(factory);
}

}  // namespace

TestSource source_of(std::string_view content, std::size_t piece) {
  return [content, piece](char* buffer, std::size_t capacity) mutable {
    const std::size_t count = std::min({content.size(), capacity, piece});
    std::memcpy(buffer, content.data(), count);
    content.remove_prefix(count);
    return static_cast<std::int64_t>(count);
  };
}

std::string noise(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string content(size + 8, '\0');
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(content.data() + i, &word, 8);
  }
  content.resize(size);
  return content;
}

LoadedStorage::LoadedStorage(const std::string& library, const std::vector<OptionValue>& options,
                             std::uint32_t flags) {
  std::vector<podium_value> values;
  for (const OptionValue& option : options) {
    podium_value value{};
    value.size = sizeof value;
    value.type = option.type;
    value.name = option.name.c_str();
    value.integer = option.integer;
    value.text = bytes(option.text);
    values.push_back(value);
  }
  const podium_config config{sizeof config, static_cast<std::uint32_t>(values.size()),
                             values.data(), bytes("files"), bytes("{}")};
  create(factory_of(library), config, flags);
}

LoadedStorage::LoadedStorage(const std::string& library,
                             const std::map<std::string, std::string>& options,
                             std::uint32_t flags) {
  const podium_storage_factory& factory = factory_of(library);
  std::span<const podium_option> table;
  if (factory.options != nullptr) table = {factory.options->options, factory.options->count};
  const TestConfig config(table, options, "files");
  create(factory, *config.raw(), flags);
}

void LoadedStorage::create(const podium_storage_factory& factory, const podium_config& config,
                           std::uint32_t flags) {
  host_ = {sizeof host_, this,
           [](void* self, std::uint32_t, podium_bytes message) {
             static_cast<LoadedStorage*>(self)->log_.push_back(text(message));
           },
           [](void*, const char*) -> const void* { return nullptr; }};
  storage_.size = sizeof storage_;
  const Outcome created = answer([&](podium_error* error) {
    return factory.create(&host_, &config, flags, &storage_, error);
  });
  if (!created.ok()) throw std::runtime_error(created.message);
  created_ = (flags & PODIUM_DRY_RUN) == 0;
}

LoadedStorage::~LoadedStorage() {
  if (created_) storage_.destroy(storage_.self);
}

Outcome LoadedStorage::put(std::string_view key, const TestSource& source, std::int64_t expected) {
  TestSource copy = source;
  const podium_source abi{sizeof abi, &copy, expected,
                          [](void* ctx, char* buffer, std::size_t capacity) {
                            return (*static_cast<TestSource*>(ctx))(buffer, capacity);
                          },
                          nullptr};
  return answer(
      [&](podium_error* error) { return storage_.put(storage_.self, bytes(key), &abi, error); });
}

Outcome LoadedStorage::get(std::string_view key, std::string& out, std::uint64_t offset,
                           std::uint64_t length) {
  out.clear();
  const podium_sink sink{sizeof sink, &out, [](void* ctx, podium_bytes chunk) {
                           static_cast<std::string*>(ctx)->append(chunk.data, chunk.size);
                           return true;
                         }};
  return answer([&](podium_error* error) {
    return storage_.get(storage_.self, bytes(key), offset, length, &sink, error);
  });
}

Outcome LoadedStorage::get(std::string_view key,
                           const std::function<bool(std::string_view)>& write) {
  auto copy = write;
  const podium_sink sink{sizeof sink, &copy, [](void* ctx, podium_bytes chunk) {
                           return (*static_cast<std::function<bool(std::string_view)>*>(ctx))(
                               {chunk.data, chunk.size});
                         }};
  return answer([&](podium_error* error) {
    return storage_.get(storage_.self, bytes(key), 0, UINT64_MAX, &sink, error);
  });
}

Outcome LoadedStorage::head(std::string_view key, Listed& out) {
  podium_blob blob{};
  blob.size = sizeof blob;
  const Outcome outcome = answer(
      [&](podium_error* error) { return storage_.head(storage_.self, bytes(key), &blob, error); });
  out = {std::string(key), blob.length, blob.modified_ms};
  return outcome;
}

Outcome LoadedStorage::list(std::string_view prefix,
                            const std::function<bool(const Listed&)>& each) {
  auto copy = each;
  return answer([&](podium_error* error) {
    return storage_.list(
        storage_.self, bytes(prefix), &copy,
        [](void* ctx, const podium_blob* blob) {
          return (*static_cast<std::function<bool(const Listed&)>*>(ctx))(
              {text(blob->key), blob->length, blob->modified_ms});
        },
        error);
  });
}

Outcome LoadedStorage::remove(std::string_view key) {
  return answer(
      [&](podium_error* error) { return storage_.remove(storage_.self, bytes(key), error); });
}

std::vector<std::string> LoadedStorage::keys(std::string_view prefix) {
  std::vector<std::string> found;
  const Outcome outcome = list(prefix, [&](const Listed& blob) {
    found.push_back(blob.key);
    return true;
  });
  if (!outcome.ok()) throw std::runtime_error(outcome.message);
  std::sort(found.begin(), found.end());
  return found;
}

const void* LoadedStorage::extension(const char* id) const {
  return storage_.get_extension == nullptr ? nullptr : storage_.get_extension(storage_.self, id);
}

}  // namespace podium::sdk::testing
