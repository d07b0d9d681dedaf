#pragma once
#include <podium/sdk/values.hpp>

#include <memory>
#include <string>

namespace podium::python_pod {

/// What zygotes are made of, read into memory once: an upgrade of the files on disk while the
/// daemon runs cannot mix old and new.
struct PodFiles {
  std::shared_ptr<const sdk::Descriptor> script, module;

  /// `folder` holds zygote.py and podium_pod.so. Throws sdk::Error that names the file.
  static PodFiles read(const std::string& folder);
  /// lib/podium/python-pod as it is installed beside this plugin.
  static std::string default_folder();
};

}  // namespace podium::python_pod
