/// Uploads, listings, downloads, deletions over the wire.

#include "http/front.hpp"

namespace podium::test {
namespace {

class Files : public Front {
 protected:
  struct Stored {
    std::string session, id;
  };
  Stored store(const std::string& name, const std::string& content) {
    const Received answer = upload(name, content);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Json json = answer.json();
    return {json.find("session_id")->string(),
            json.find("files")->items().at(0).find("fileId")->string()};
  }
  std::string path(const Stored& file) { return "/" + file.session + "/" + file.id; }
  Received download(const Stored& file, const std::string& more = "") {
    return ask(head("GET", "/download" + path(file), more));
  }
};

TEST_F(Files, AnUploadIsAnsweredInTheWordsOfBothGenerations) {
  start();

  const Received answer = upload("dir/h\xC3\xA9 %22x%22.csv", "1,2\n");

  EXPECT_EQ(answer.status, 200);
  const Json json = answer.json();
  EXPECT_EQ(json.find("message")->string(), "success");
  EXPECT_EQ(json.find("session_id")->string(), json.find("storage_session_id")->string());
  const Json& file = json.find("files")->items().at(0);
  EXPECT_EQ(file.find("filename")->string(), "dir/h\xC3\xA9 \"x\".csv");
  EXPECT_EQ(file.find("fileId")->string().size(), 21u);
}

TEST_F(Files, AnUploadMayBeChunkedAndComeByteByByte) {
  start();
  const std::string body = form(part("name=\"entity_id\"", "asst_1") +
                                part("name=\"file\"; filename=\"a.txt\"", "hello\r\n--edg"));
  std::string request =
      head("POST", "/upload",
           std::string("Content-Type: ") + kFormType + "\r\nTransfer-Encoding: chunked\r\n");
  for (const char c : body) request += std::string("1\r\n") + c + "\r\n";
  request += "0\r\n\r\n";
  Client client = connect();
  for (const char c : request) client.send({&c, 1});

  const Json json = client.receive().json();

  const std::string session = json.find("session_id")->string();
  const std::string id = json.find("files")->items().at(0).find("fileId")->string();
  EXPECT_EQ(get("/download/" + session + "/" + id).body, "hello\r\n--edg");
}

TEST_F(Files, AnEmptyFileIsAFile) {
  start();

  EXPECT_EQ(download(store("empty", "")).body, "");
}

TEST_F(Files, AFormWithoutAFileIs422) {
  start();

  EXPECT_EQ(ask(post("/upload", form(part("name=\"kind\"", "user")), kFormType)).status, 422);
  EXPECT_EQ(ask(post("/upload", form(part("name=\"file\"; filename=\"\"", "")), kFormType)).status,
            422);
  EXPECT_EQ(ask(post("/upload", form(part("name=\"file\"", "text")), kFormType)).status, 422);
}

TEST_F(Files, FormsThatAreNoneAreRefused) {
  start();

  EXPECT_EQ(ask(post("/upload", "{}")).status, 415);
  EXPECT_EQ(ask(head("POST", "/upload", "Content-Length: 0\r\n")).status, 415);
  EXPECT_EQ(ask(post("/upload", "x", "multipart/form-data")).status, 400);
  EXPECT_EQ(
      ask(post("/upload", "x", "multipart/form-data; boundary=" + std::string(71, 'b'))).status,
      400);
  EXPECT_EQ(
      ask(post("/upload",
               form(part("name=\"kind\"", "alien") + part("name=\"file\"; filename=\"a\"", "x")),
               kFormType))
          .status,
      422);
  EXPECT_EQ(
      ask(post("/upload",
               form(part("name=\"entity_id\"", "a b") + part("name=\"file\"; filename=\"a\"", "x")),
               kFormType))
          .status,
      422);
  EXPECT_EQ(
      ask(post("/upload", form(part("name=\"kind\"", std::string(5000, 'x'))), kFormType)).status,
      422);
}

TEST_F(Files, NamesThatLeadOutAreRefused) {
  start();
  for (const char* name : {"../a", "a/../../b", "/etc/passwd", "a\\b", "a//b", ".", "%0Aa"}) {
    EXPECT_EQ(upload(name, "x").status, 400) << name;
  }
  EXPECT_TRUE(storage->keys().empty());
}

TEST_F(Files, AFormWithoutItsClosingBoundaryLeavesNothing) {
  start();
  const std::string whole = form(part("name=\"file\"; filename=\"a\"", "content"));

  EXPECT_EQ(ask(post("/upload", whole.substr(0, whole.size() - 10), kFormType)).status, 400);

  Client cut = connect();
  const std::string request = post("/upload", whole, kFormType);
  cut.send(request.substr(0, request.size() - 12));
  cut.close();
  EXPECT_FALSE(log_pipe.next("request").find("client_left")->boolean());
  const Json line = log_pipe.next("request");
  EXPECT_TRUE(line.find("client_left")->boolean());
  EXPECT_EQ(line.find("client_left_during")->string(), "body");
  run_on_io(exec->sweep(generation.get(), false));
  EXPECT_TRUE(storage->keys().empty());
}

TEST_F(Files, AFileOverTheLimitIs413AndOneAtTheLimitIsNot) {
  config.http.max_upload = 1000;
  start();

  const Received over = upload("a", std::string(1001, 'x'));

  EXPECT_EQ(over.status, 413);
  EXPECT_EQ(over.json().find("error")->string(), "File size limit exceeded");
  EXPECT_EQ(upload("b", std::string(1000, 'x')).status, 200);
  const Received announced =
      ask(head("POST", "/upload",
               std::string("Content-Type: ") + kFormType + "\r\nContent-Length: 99999999999\r\n"));
  EXPECT_EQ(announced.status, 413);
  EXPECT_EQ(announced.json().find("error")->string(), "File size limit exceeded");
}

TEST_F(Files, ABatchStoresWhatItCanAndSaysWhatItCannot) {
  config.http.max_upload = 1000;
  start();
  const std::string body = form(part("name=\"file\"; filename=\"good.txt\"", "1") +
                                part("name=\"file\"; filename=\"../bad\"", "2") +
                                part("name=\"file\"; filename=\"big\"", std::string(2000, 'x')) +
                                part("name=\"file\"; filename=\"also.txt\"", "3"));

  const Received answer = ask(post("/upload/batch", body, kFormType));

  EXPECT_EQ(answer.status, 200);
  const Json json = answer.json();
  EXPECT_EQ(json.find("message")->string(), "partial_success");
  EXPECT_EQ(json.find("succeeded")->integer(), 2);
  EXPECT_EQ(json.find("failed")->integer(), 2);
  const auto& files = json.find("files")->items();
  EXPECT_EQ(files[0].find("status")->string(), "success");
  EXPECT_EQ(files[1].find("status")->string(), "error");
  EXPECT_EQ(files[1].find("filename")->string(), "../bad");
  EXPECT_EQ(files[2].find("error")->string(), "File size limit exceeded");
  EXPECT_EQ(files[3].find("filename")->string(), "also.txt");
  const std::string session = json.find("session_id")->string();
  EXPECT_EQ(get("/download/" + session + "/" + files[3].find("fileId")->string()).body, "3");
}

TEST_F(Files, ABatchOfWhichNothingIsStoredIs400) {
  start();

  const Received answer =
      ask(post("/upload/batch", form(part("name=\"file\"; filename=\"..\"", "1")), kFormType));

  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json().find("message")->string(), "error");
}

TEST_F(Files, ABatchBeyondTheNumberOfFilesSaysSo) {
  config.http.max_upload_files = 2;
  start();
  std::string parts;
  for (int i = 0; i < 4; ++i)
    parts += part("name=\"file\"; filename=\"f" + std::to_string(i) + "\"", "x");

  const Json json = ask(post("/upload/batch", form(parts), kFormType)).json();

  EXPECT_EQ(json.find("succeeded")->integer(), 2);
  EXPECT_TRUE(json.find("filesLimitReached")->boolean());
  EXPECT_EQ(json.find("maxFiles")->integer(), 2);
}

TEST_F(Files, ListingsHaveTheFourForms) {
  start();
  const Stored file = store("dir/a b.csv", "1,2\n");
  const auto first = [&](const std::string& query) {
    const Json list = get("/v1/files/" + file.session + query).json();
    EXPECT_EQ(list.items().size(), 1u);
    return list.items().at(0);
  };

  const Json full = first("");
  EXPECT_EQ(full.find("name")->string(), file.session + "/" + file.id + ".csv");
  EXPECT_EQ(full.find("metadata")->find("original-filename")->string(), "dir/a b.csv");
  EXPECT_EQ(full.find("id")->string(), file.id);
  EXPECT_TRUE(full.find("content")->is_null());
  EXPECT_EQ(*first("?entity_id=x&detail=full").find("name"), *full.find("name"));
  const Json summary = first("?detail=summary");
  EXPECT_EQ(summary.find("name")->string(), file.session + "/" + file.id);
  EXPECT_EQ(summary.find("size")->integer(), 4);
  EXPECT_EQ(summary.find("lastModified")->string().back(), 'Z');
  const Json simple = first("?detail=simple");
  EXPECT_EQ(simple.find("path")->string(), "/mnt/data/dir/a b.csv");
  const Json normalized = first("?detail=normalized");
  EXPECT_EQ(normalized.find("storage_session_id")->string(), file.session);
  EXPECT_EQ(normalized.find("contentType")->string(), "text/csv");
  EXPECT_EQ(get("/files/" + file.session + "?detail=odd").status, 400);
}

TEST_F(Files, UnknownSessionsAreEmpty) {
  start();

  EXPECT_EQ(get("/files/" + std::string(21, 'x')).body, "[]");
  EXPECT_EQ(get("/files/short").body, "[]");
}

TEST_F(Files, OtherPrincipalsSeeNothing) {
  start();
  const Stored file = store("a", "x");
  const auto other = [&](const std::string& method, const std::string& target) {
    return ask(method + " " + target + " HTTP/1.1\r\nHost: h\r\nX-API-Key: sk-other\r\n\r\n");
  };

  EXPECT_EQ(other("GET", "/files/" + file.session).body, "[]");
  EXPECT_EQ(other("GET", "/download" + path(file)).status, 404);
  EXPECT_EQ(other("DELETE", "/files" + path(file)).status, 404);
  EXPECT_EQ(other("GET", "/sessions/" + file.session + "/objects/" + file.id).status, 404);
  EXPECT_EQ(download(file).status, 200);
}

TEST_F(Files, AFileIsFoundUnderItsKindAndIdOnly) {
  start();
  const Json json =
      ask(post("/upload",
               form(part("name=\"kind\"", "skill") + part("name=\"id\"", "s1") +
                    part("name=\"version\"", "3") + part("name=\"file\"; filename=\"a.md\"", "x")),
               kFormType))
          .json();
  const std::string session = json.find("session_id")->string();
  const std::string id = json.find("files")->items().at(0).find("fileId")->string();
  const std::string object = "/sessions/" + session + "/objects/" + id;

  EXPECT_EQ(get(object + "?kind=skill&id=s1&version=3").status, 200);
  EXPECT_EQ(get(object + "?kind=skill&id=s1&version=3").json().find("version")->string(), "3");
  EXPECT_EQ(get(object).status, 200);
  EXPECT_EQ(get(object + "?kind=skill&id=s1&version=4").status, 404);
  EXPECT_EQ(get(object + "?kind=skill&id=s2&version=3").status, 404);
  EXPECT_EQ(get("/download/" + session + "/" + id + "?kind=user&id=u1").status, 404);
  EXPECT_EQ(get("/files/" + session + "?kind=agent&id=s1").body, "[]");
  EXPECT_EQ(ask(head("DELETE", object + "?kind=skill&id=s2")).status, 404);
  EXPECT_EQ(ask(head("DELETE", object + "?kind=skill&id=s1")).status, 200);
}

TEST_F(Files, TheSameNameTwiceInAFormIsTwoFilesOfWhichTheLaterIsCurrent) {
  start();
  const Json json = ask(post("/upload",
                             form(part("name=\"files\"; filename=\"a.txt\"", "first") +
                                  part("name=\"files\"; filename=\"a.txt\"", "later")),
                             kFormType))
                        .json();
  const std::string session = json.find("session_id")->string();
  const auto& stored = json.find("files")->items();
  ASSERT_EQ(stored.size(), 2u);

  const Json list = get("/files/" + session + "?detail=simple").json();

  ASSERT_EQ(list.items().size(), 2u);
  EXPECT_EQ(list.items()[0].find("id")->string(), stored[0].find("fileId")->string());
  const std::string later = stored[1].find("fileId")->string();
  EXPECT_EQ(sessions->current_files(session).at(0).id, later);
  EXPECT_EQ(get("/download/" + session + "/" + later).body, "later");
}

TEST_F(Files, ADownloadHasTheHeadersOfTheContract) {
  start();
  const Stored file = store("dir/h\xC3\xA9.csv", "1,2\n");

  const Received answer = download(file);

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "1,2\n");
  EXPECT_EQ(answer.header("Content-Type"), "text/csv");
  EXPECT_EQ(answer.header("Content-Length"), "4");
  EXPECT_EQ(answer.header("Content-Disposition"),
            "attachment; filename=\"h_.csv\"; filename*=UTF-8''h%C3%A9.csv");
  EXPECT_EQ(answer.header("ETag"), "\"" + sha256_hex("1,2\n") + "\"");
  EXPECT_EQ(answer.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(answer.header("Cache-Control"), "private, max-age=3600");
  EXPECT_EQ(answer.count("Cache-Control"), 1u);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "*");
}

TEST_F(Files, ADownloadIsFoundByItsIdWhateverSessionStandsBesideIt) {
  start();
  const Stored file = store("a", "x");

  EXPECT_EQ(get("/download/" + std::string(21, 'q') + "/" + file.id).body, "x");
}

TEST_F(Files, RangesAreHonoured) {
  start();
  const Stored file = store("a", "0123456789");
  const std::string etag = "\"" + sha256_hex("0123456789") + "\"";

  const Received middle = download(file, "Range: bytes=2-4\r\n");
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, "234");
  EXPECT_EQ(middle.header("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(download(file, "Range: bytes=-3\r\n").body, "789");
  EXPECT_EQ(download(file, "Range: bytes=0-1,3-4\r\n").body, "0123456789");
  const Received outside = download(file, "Range: bytes=10-\r\n");
  EXPECT_EQ(outside.status, 416);
  EXPECT_EQ(outside.header("Content-Range"), "bytes */10");
  EXPECT_EQ(download(file, "Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n").status, 206);
  EXPECT_EQ(download(file, "Range: bytes=2-4\r\nIf-Range: \"old\"\r\n").status, 200);
  EXPECT_EQ(download(file, "If-None-Match: \"x\", W/" + etag + "\r\n").status, 304);
}

TEST_F(Files, HeadOfADownloadReadsNothing) {
  start();
  const Stored file = store("a", "0123456789");
  storage->get_gate.close();
  Client client = connect();
  client.send(head("HEAD", "/download" + path(file)));

  const Received answer = client.receive(true);

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Length"), "10");
  EXPECT_TRUE(client.closed_silently());
}

TEST_F(Files, OptionsOfADownloadNeedsNoKey) {
  start();

  const Received answer = ask("OPTIONS /download/a/b HTTP/1.1\r\nHost: h\r\n\r\n");

  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "*");
  EXPECT_FALSE(answer.header("Access-Control-Allow-Methods").empty());
}

TEST_F(Files, PathsThatLeadOutFindNothing) {
  start();
  for (const char* target :
       {"/download/../etc/passwd", "/download/%2e%2e/x", "/download/a/..%2f..%2fetc",
        "/download/a/..", "/files/../x", "/download//"}) {
    const int status = get(target).status;
    EXPECT_TRUE(status == 404 || status == 405 || status == 200) << target << " " << status;
    if (status == 200) {
      EXPECT_EQ(get(target).body, "[]") << target;
    }
  }
  EXPECT_EQ(get("/download/a/b").json().find("error")->string(), "File not found");
}

TEST_F(Files, ALargeFileComesBackWhole) {
  config.http.max_upload = 8u << 20;
  start();
  std::string content;
  for (unsigned i = 0; content.size() < (3u << 20); ++i) content += std::to_string(i) + "\r\n--";

  const Received answer = download(store("big.bin", content));

  EXPECT_TRUE(answer.complete);
  EXPECT_TRUE(answer.body == content);
}

TEST_F(Files, AReaderWhoTakesNothingIsLeftAndHoldsNoThread) {
  config.http.write_timeout = milliseconds(200);
  config.http.max_upload = 64u << 20;
  start();
  const Stored file = store("big.bin", std::string(32u << 20, 'x'));
  log_pipe.next("request");
  Client stuck = connect();
  stuck.send(head("GET", "/download" + path(file)));
  stuck.read_until("\r\n\r\n");

  EXPECT_EQ(download(store("small", "y")).body, "y") << "the pool is not held up meanwhile";
  Json line = log_pipe.next("request");
  while (!line.find("client_left")->boolean()) line = log_pipe.next("request");
  EXPECT_EQ(line.find("client_left_during")->string(), "answer");
}

TEST_F(Files, ReadersWhoTakeNothingShareTheMemoryForThemAndOthersGoOnWithoutIt) {
  config.http.max_upload = 64u << 20;
  config.http.transfers = 600 << 10;
  start();
  const Stored file = store("big.bin", std::string(32u << 20, 'x'));
  std::string content;
  for (unsigned i = 0; content.size() < (2u << 20); ++i) content += std::to_string(i) + "\r\n--";
  std::vector<Client> stuck;
  for (int i = 0; i < 8; ++i) {
    stuck.push_back(connect());
    stuck.back().send(head("GET", "/download" + path(file)));
    stuck.back().read_until("\r\n\r\n");
  }

  const Received answer = download(store("quick.bin", content));

  EXPECT_TRUE(answer.complete);
  EXPECT_TRUE(answer.body == content);
  EXPECT_LE(exec->transfer_memory()->used(), config.http.transfers);
}

TEST_F(Files, AreGivenAndTakenWithoutAnyMemoryThatIsShared) {
  config.http.transfers = 0;
  start();
  std::string content;
  for (unsigned i = 0; content.size() < (1u << 20); ++i) content += std::to_string(i) + "\r\n--";

  const Received answer = download(store("big.bin", content));

  EXPECT_TRUE(answer.body == content);
  EXPECT_EQ(exec->transfer_memory()->used(), 0u);
}

TEST_F(Files, AFileIsDeletedOnceUnderEitherPath) {
  start();
  const Stored one = store("a", "x"), two = store("b", "y");

  const Received gone = ask(head("DELETE", "/files" + path(one)));
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.json().find("message")->string(), "File deleted successfully");
  EXPECT_EQ(gone.json().find("fileId")->string(), one.id);
  EXPECT_EQ(ask(head("DELETE", "/files" + path(one))).status, 404);
  EXPECT_EQ(ask(head("DELETE", "/v1/sessions/" + two.session + "/objects/" + two.id)).status, 200);
  EXPECT_EQ(download(two).status, 404);
}

TEST_F(Files, AnObjectIsDescribed) {
  start();
  const Stored file = store("a/b.csv", "x");

  const Json json =
      get("/sessions/" + file.session + "/objects/" + file.id + "?kind=user&id=u").json();

  EXPECT_EQ(json.find("originalFilename")->string(), "a/b.csv");
  EXPECT_EQ(json.find("size")->integer(), 1);
  EXPECT_EQ(json.find("readOnly")->boolean(), false);
  EXPECT_TRUE(json.find("lastModified")->is_string());
}

TEST_F(Files, AStorageThatIsDownIsToldAndNothingIsListed) {
  start();
  storage->broken = true;

  EXPECT_EQ(upload("a", "x").status, 503);
}

}  // namespace
}  // namespace podium::test
