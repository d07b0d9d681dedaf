#include "documents.hpp"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>
#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/SAXException.h>
#include <Poco/SAX/SAXParser.h>
#include <Poco/URI.h>

#include <podium/sdk/values.hpp>

#include <charconv>
#include <functional>

namespace podium::s3 {

namespace {

using sdk::Error;

/// Calls back for every element with its path from the root, "ListBucketResult/Contents/Key", and
/// the text in it, when it ends. Deeper documents than any of S3's are refused.
class Walk final : public Poco::XML::DefaultHandler {
 public:
  using Each = std::function<void(const std::string& path, const std::string& text)>;
  explicit Walk(Each each) : each_(std::move(each)) {}

  void startElement(const Poco::XML::XMLString&, const Poco::XML::XMLString& name,
                    const Poco::XML::XMLString&, const Poco::XML::Attributes&) override {
    if (++depth_ > kMaxDepth) throw Poco::XML::SAXException("elements within elements without end");
    lengths_.push_back(path_.size());
    if (!path_.empty()) path_ += '/';
    path_ += name;
    text_.clear();
  }
  void characters(const Poco::XML::XMLChar text[], int start, int length) override {
    text_.append(text + start, static_cast<std::size_t>(length));
  }
  void endElement(const Poco::XML::XMLString&, const Poco::XML::XMLString&,
                  const Poco::XML::XMLString&) override {
    each_(path_, text_);
    path_.resize(lengths_.back());
    lengths_.pop_back();
    text_.clear();
    --depth_;
  }

 private:
  static constexpr int kMaxDepth = 16;
  Each each_;
  std::string path_, text_;
  std::vector<std::size_t> lengths_;
  int depth_ = 0;
};

void walk(std::string_view xml, Walk::Each each) {
  Walk handler(std::move(each));
  Poco::XML::SAXParser parser;
  parser.setContentHandler(&handler);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_GENERAL_ENTITIES, false);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_PARAMETER_ENTITIES, false);
  parser.parseMemoryNP(xml.data(), xml.size());
}

/// As walk, but a document that cannot be read is the store's fault.
void walk_answer(std::string_view xml, const char* what, Walk::Each each) {
  try {
    walk(xml, std::move(each));
  } catch (const Poco::Exception& e) {
    throw Error(PODIUM_UNAVAILABLE, std::string("the store's ") + what + " is no XML document: " +
                                        e.displayText() + "; is the endpoint an S3 store?");
  }
}

std::string url_decoded(const std::string& text) {
  std::string out;
  Poco::URI::decode(text, out, true);
  return out;
}

}  // namespace

std::optional<std::int64_t> parse_iso_time(const std::string& text) {
  int zone = 0;
  Poco::DateTime time;
  if (!Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::ISO8601_FRAC_FORMAT, text, time,
                                      zone)) {
    return std::nullopt;
  }
  return time.timestamp().epochMicroseconds() / 1000;
}

ErrorDocument parse_error(std::string_view xml) noexcept {
  try {
    ErrorDocument out;
    walk(xml, [&](const std::string& path, const std::string& text) {
      if (path == "Error/Code") out.code = text;
      if (path == "Error/Message") out.message = text;
      if (path == "Error/Region") out.region = text;
    });
    return out;
  } catch (...) {
    return {};
  }
}

Listing parse_listing(std::string_view xml) {
  Listing out;
  ListedObject object;
  bool is_listing = false, truncated = false;
  walk_answer(xml, "list", [&](const std::string& path, const std::string& text) {
    static constexpr std::string_view root = "ListBucketResult";
    if (path == root) is_listing = true;
    if (!path.starts_with("ListBucketResult/")) return;
    const std::string_view member = std::string_view(path).substr(root.size() + 1);
    if (member == "Contents/Key") object.name = url_decoded(text);
    if (member == "Contents/Size") {
      std::from_chars(text.data(), text.data() + text.size(), object.size);
    }
    if (member == "Contents/LastModified") object.modified_ms = parse_iso_time(text).value_or(0);
    if (member == "Contents") out.objects.push_back(std::exchange(object, {}));
    if (member == "IsTruncated") truncated = text == "true";
    if (member == "NextContinuationToken") out.next = text;
  });
  if (!is_listing || truncated == out.next.empty()) {
    throw Error(PODIUM_UNAVAILABLE,
                "the store's answer to a list is none; is the endpoint an S3 "
                "store that knows ListObjectsV2?");
  }
  return out;
}

std::string parse_upload_id(std::string_view xml) {
  std::string id;
  walk_answer(xml, "answer to a multipart upload",
              [&](const std::string& path, const std::string& text) {
                if (path == "InitiateMultipartUploadResult/UploadId") id = text;
              });
  if (id.empty()) {
    throw Error(PODIUM_UNAVAILABLE, "the store began a multipart upload but gave no UploadId");
  }
  return id;
}

PendingUploads parse_pending_uploads(std::string_view xml) {
  PendingUploads out;
  PendingUpload upload;
  bool truncated = false;
  walk_answer(xml, "list of uploads", [&](const std::string& path, const std::string& text) {
    if (path == "ListMultipartUploadsResult/IsTruncated") truncated = text == "true";
    if (path == "ListMultipartUploadsResult/NextKeyMarker") out.next_object = url_decoded(text);
    if (path == "ListMultipartUploadsResult/NextUploadIdMarker") out.next_id = text;
    if (path == "ListMultipartUploadsResult/Upload/Key") upload.object = url_decoded(text);
    if (path == "ListMultipartUploadsResult/Upload/UploadId") upload.id = text;
    if (path == "ListMultipartUploadsResult/Upload/Initiated") {
      upload.begun_ms = parse_iso_time(text).value_or(0);
    }
    if (path == "ListMultipartUploadsResult/Upload") {
      out.uploads.push_back(std::exchange(upload, {}));
    }
  });
  if (!truncated) out.next_object = out.next_id = "";
  return out;
}

bool is_completed(std::string_view xml) noexcept {
  try {
    bool completed = false;
    walk(xml, [&](const std::string& path, const std::string&) {
      completed = completed || path == "CompleteMultipartUploadResult";
    });
    return completed;
  } catch (...) {
    return false;
  }
}

std::string complete_document(const std::vector<std::string>& etags) {
  std::string xml = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < etags.size(); ++i) {
    std::string tag;
    for (const char c : etags[i]) {
      if (c == '&')
        tag += "&amp;";
      else if (c == '<')
        tag += "&lt;";
      else
        tag += c;
    }
    xml += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + tag +
           "</ETag></Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace podium::s3
