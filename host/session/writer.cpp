#include "session/writer.hpp"

#include <sys/stat.h>

#include <chrono>
#include <utility>

namespace podium {

namespace {

/// How long a session without files may wait for others to share its transaction.
constexpr std::chrono::milliseconds kLater{100};
/// More are dropped: then the database has not answered for long.
constexpr std::size_t kMaxLater = 10'000;

}  // namespace

WriteStatements::WriteStatements(Poco::Data::Session& connection)
    : session(connection),
      begin(session, "BEGIN IMMEDIATE"),
      commit(session, "COMMIT"),
      savepoint(session, "SAVEPOINT job"),
      release(session, "RELEASE job"),
      add_principal(session, "INSERT OR IGNORE INTO principals (id, created) VALUES (?, ?)"),
      keep_session(session,
                   "INSERT INTO sessions (id, principal, entity, created, used, tenant)"
                   " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO"
                   " UPDATE SET used = max(used, excluded.used)"
                   " WHERE principal = excluded.principal"),
      add_file(session,
               "INSERT INTO files (id, session, name, blob, sha256, size, origin, kind, resource,"
               " version, read_only, modified_from, modified_from_session, created, tag)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      hide_file(session,
                "UPDATE files SET gone = 1 WHERE number IN"
                " (SELECT o.number FROM files f JOIN files o ON o.session = f.session"
                " AND o.name = f.name AND o.number <= f.number WHERE f.id = ?)"),
      blob_of_file(session, "SELECT blob FROM files WHERE id = ?"),
      remove_file(session, "DELETE FROM files WHERE id = ?"),
      unused_sessions(session, std::string("SELECT ") + kSessionColumns +
                                   " FROM sessions WHERE used < ? AND (used, id) > (?, ?)"
                                   " ORDER BY used, id LIMIT ?"),
      blobs_of_session(session, "SELECT DISTINCT blob FROM files WHERE session = ?"),
      remove_session(session, "DELETE FROM sessions WHERE id = ?") {}

void WriteStatements::keep(const SessionRecord& record) {
  add_principal(record.principal, record.created);
  if (keep_session(record.id, record.principal, record.entity, record.created, record.used,
                   record.tenant) == 0) {
    throw Failure(Code::kForbidden, "session " + record.id + " belongs to another principal");
  }
}

Writer::Writer(std::filesystem::path file, DatabaseMeter meter)
    : file_(std::move(file)), meter_(meter), session_(open_database(file_)) {
  migrate_database(session_, file_);
  struct stat info {};
  if (::stat(file_.c_str(), &info) == 0) device_ = info.st_dev, inode_ = info.st_ino;
  statements_ = std::make_unique<WriteStatements>(session_);
  thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::run(Job job) {
  Order order;
  order.job = std::move(job);
  std::unique_lock lock(mutex_);
  orders_.push_back(&order);
  meter_.set_waiting(orders_.size());
  wake_.notify_one();
  order.finished.wait(lock, [&] { return order.done; });
  if (order.error) std::rethrow_exception(order.error);
}

void Writer::keep_later(SessionRecord session) {
  std::lock_guard lock(mutex_);
  if (later_.size() >= kMaxLater) return;
  std::string id = session.id;
  const auto [place, is_new] = later_.try_emplace(std::move(id), session);
  if (!is_new && place->second.used < session.used) place->second.used = session.used;
}

void Writer::write_later() {
  {
    std::lock_guard lock(mutex_);
    if (later_.empty() || std::exchange(wanted_, true)) return;
  }
  wake_.notify_one();
}

std::string Writer::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

EpochMs Writer::last_success() const {
  std::lock_guard lock(mutex_);
  return last_success_;
}

bool Writer::busy() const {
  std::lock_guard lock(mutex_);
  return busy_ || !orders_.empty();
}

void Writer::note(std::string failure) {
  std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
  if (failure_.empty()) last_success_ = epoch_ms_now();
}

std::optional<SessionRecord> Writer::waiting(const std::string& id) const {
  std::lock_guard lock(mutex_);
  for (const Sessions* sessions : {&later_, &writing_}) {
    if (const auto found = sessions->find(id); found != sessions->end()) return found->second;
  }
  return std::nullopt;
}

void Writer::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto urgent = [this] { return stopping_ || !orders_.empty(); };
    wake_.wait(lock, [&] { return urgent() || wanted_; });
    if (!urgent()) wake_.wait_for(lock, kLater, urgent);
    if (stopping_ && orders_.empty() && later_.empty()) return;

    const std::vector<Order*> orders = std::exchange(orders_, {});
    writing_ = std::exchange(later_, {});
    wanted_ = false;
    busy_ = true;
    meter_.set_waiting(0);
    lock.unlock();
    const auto began = std::chrono::steady_clock::now();
    if (write(orders, writing_)) {
      meter_.wrote(orders.size() + writing_.size(), std::chrono::steady_clock::now() - began);
    } else {
      meter_.write_failed();
    }
    lock.lock();
    busy_ = false;
    writing_.clear();
    for (Order* order : orders) {
      order->done = true;
      order->finished.notify_one();
    }
  }
}

/// What is written to a file that has lost its name is lost at the end of the process.
void Writer::require_same_file() const {
  struct stat info {};
  const bool there = ::stat(file_.c_str(), &info) == 0;
  if (there && info.st_dev == device_ && info.st_ino == inode_) return;
  throw Failure(Code::kUnavailable, "database " + file_.native() + ": the file was " +
                                        (there ? "replaced" : "removed") +
                                        " while it was open; put it back, or restart podiumd");
}

/// One transaction; whether it was kept. Leaves each order's error behind.
bool Writer::write(const std::vector<Order*>& orders, const Sessions& sessions) noexcept {
  try {
    require_same_file();
    if (!statements_) statements_ = std::make_unique<WriteStatements>(session_);
    statements_->begin();
    for (const auto& [id, session] : sessions) {
      std::exception_ptr dropped;
      attempt([&record = session](WriteStatements& to) { to.keep(record); }, dropped);
    }
    for (Order* order : orders) attempt(order->job, order->error);
    statements_->commit();
    note("");
    return true;
  } catch (const Poco::Exception& error) {
    const Failure failure(Code::kUnavailable, database_failure(error, file_).what());
    const auto failed = std::make_exception_ptr(failure);
    for (Order* order : orders) order->error = failed;
    note(failure.what());
  } catch (const Failure& failure) {
    for (Order* order : orders) order->error = std::make_exception_ptr(failure);
    note(failure.what());
    return false;
  } catch (...) {
    for (Order* order : orders) order->error = std::current_exception();
    note("a transaction failed");
  }
  start_over();
  return false;
}

/// Runs a job inside a savepoint. Throws only when the transaction is lost.
bool Writer::attempt(const Job& job, std::exception_ptr& error) {
  try {
    statements_->savepoint();
    job(*statements_);
    statements_->release();
    return true;
  } catch (const Poco::Exception& said) {
    const Failure failure = database_failure(said, file_);
    error = std::make_exception_ptr(failure);
    // A full disk or a damaged page: SQLite may have taken the whole transaction back already.
    if (failure.code() != Code::kConflict) throw;
  } catch (...) {
    error = std::current_exception();
  }
  // A statement that threw cannot be run again.
  statements_.reset();
  session_ << "ROLLBACK TO job", Poco::Data::Keywords::now;
  session_ << "RELEASE job", Poco::Data::Keywords::now;
  statements_ = std::make_unique<WriteStatements>(session_);
  return false;
}

/// Ends a transaction that failed, so that the next one can begin.
void Writer::start_over() {
  try {
    statements_.reset();
    session_ << "ROLLBACK", Poco::Data::Keywords::now;
  } catch (const Poco::Exception&) {
    // There was none any more: SQLite ends it by itself after some errors.
  }
  try {
    statements_ = std::make_unique<WriteStatements>(session_);
  } catch (const Poco::Exception&) {
    statements_.reset();  // not even its schema can be read: the next one tries again
  }
}

}  // namespace podium
