#include "harmony/operator/resource_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sqlite.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

constexpr std::int64_t kApplicationId = 0x48464f31;  // "HFO1": tells our file from any other SQLite file
constexpr std::int64_t kSchemaVersion = 1;

// Each entry brings the schema from its position to the next version.
constexpr const char* kMigrations[kSchemaVersion] = {
    R"sql(
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('revision', 0), ('device_removals', 0);
CREATE TABLE deployments (
    name TEXT PRIMARY KEY, document TEXT NOT NULL, active TEXT) WITHOUT ROWID;
CREATE TABLE conditions (
    deployment TEXT NOT NULL REFERENCES deployments (name) ON DELETE CASCADE,
    type TEXT NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    transition_us INTEGER NOT NULL, PRIMARY KEY (deployment, type)) WITHOUT ROWID;
CREATE TABLE devices (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, registered_us INTEGER NOT NULL, info TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX devices_by_revision ON devices (revision);
)sql",
};

Result<void> create_private(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
        ::close(descriptor);
        return {};
    }
    const int code = errno;
    const ErrorKind kind = code == EACCES || code == EPERM ? ErrorKind::PermissionDenied : ErrorKind::Io;
    return fail(kind, "resource store " + path + ": " + std::generic_category().message(code));
}

}  // namespace

struct ResourceStore::Impl {
    std::unique_ptr<sqlite::Connection> database;
    std::int64_t data_version = -1;

    Error corrupt(const std::string& what, const Error& why) const {
        return Error(ErrorKind::Corrupt, why.text()).wrap("resource store " + database->path() + ": " + what);
    }

    Result<void> migrate();
    Result<void> bump(const char* counter);
    Result<StoredDeployment> read_deployment(const sqlite::Statement& row);
    Result<void> read_conditions(StoredDeployment& stored);
    Result<StoredDevice> read_device(const sqlite::Statement& row);
};

ResourceStore::ResourceStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ResourceStore::~ResourceStore() = default;

Result<void> ResourceStore::Impl::migrate() {
    const auto version = database->number("PRAGMA user_version");
    const auto application = database->number("PRAGMA application_id");
    if (!version) return fail(version.error());
    if (!application) return fail(application.error());
    const std::string file = "resource store " + database->path();
    const auto tables = database->number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return fail(tables.error());
    if (*application != kApplicationId && *tables != 0) {
        return fail(ErrorKind::Corrupt, file + ": is an SQLite file of another program");
    }
    if (*version > kSchemaVersion) {
        return fail(ErrorKind::Corrupt, file + ": has schema version " + std::to_string(*version) +
                                            ", this operator knows up to " + std::to_string(kSchemaVersion) +
                                            "; run the newer operator that wrote it");
    }
    for (std::int64_t step = *version; step < kSchemaVersion; ++step) {
        if (auto done = database->execute(kMigrations[step]); !done) return done;
    }
    if (*version == kSchemaVersion) return {};
    if (auto done = database->execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
        !done)
        return done;
    return database->execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
}

Result<std::unique_ptr<ResourceStore>> ResourceStore::open(const std::string& path) {
    if (auto created = create_private(path); !created) return fail(created.error());
    auto database = sqlite::Connection::open(path);
    if (!database) return fail(database.error());
    auto impl = std::make_unique<Impl>();
    impl->database = std::move(*database);
    for (const char* setting :
         {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"}) {
        if (auto done = impl->database->execute(setting); !done) return fail(done.error());
    }
    std::unique_ptr<ResourceStore> store(new ResourceStore(std::move(impl)));
    auto migrated = store->transaction([&] { return store->impl_->migrate(); });
    if (!migrated) return fail(migrated.error());
    auto check = store->impl_->database->prepare("PRAGMA quick_check(1)");
    if (!check) return fail(check.error());
    auto row = check->step();
    if (!row) return fail(row.error());
    if (*row && check->text(0) != "ok") {
        return fail(ErrorKind::Corrupt,
                    "resource store " + path + ": is damaged: " + std::string(check->text(0)));
    }
    if (auto first = store->changed_by_others(); !first) return fail(first.error());
    return store;
}

Result<void> ResourceStore::transaction(const std::function<Result<void>()>& work) {
    if (auto begun = impl_->database->execute("BEGIN IMMEDIATE"); !begun) return begun;
    auto worked = work();
    if (worked) worked = impl_->database->execute("COMMIT");
    if (!worked) (void)impl_->database->execute("ROLLBACK");
    return worked;
}

Result<void> ResourceStore::Impl::bump(const char* counter) {
    auto statement = database->prepare("UPDATE counters SET value = value + 1 WHERE name = ?");
    if (!statement) return fail(statement.error());
    return statement->bind(counter).run();
}

Result<std::int64_t> ResourceStore::next_revision() {
    if (auto bumped = impl_->bump("revision"); !bumped) return fail(bumped.error());
    return revision();
}

Result<std::int64_t> ResourceStore::revision() {
    return impl_->database->number("SELECT value FROM counters WHERE name = 'revision'");
}

Result<std::int64_t> ResourceStore::device_removals() {
    return impl_->database->number("SELECT value FROM counters WHERE name = 'device_removals'");
}

Result<bool> ResourceStore::changed_by_others() {
    const auto version = impl_->database->number("PRAGMA data_version");
    if (!version) return fail(version.error());
    const bool changed = impl_->data_version >= 0 && impl_->data_version != *version;
    impl_->data_version = *version;
    return changed;
}

// The active spec is kept as a Deployment document, the form that has a codec.
Result<StoredDeployment> ResourceStore::Impl::read_deployment(const sqlite::Statement& row) {
    StoredDeployment stored;
    const std::string name(row.text(0));
    auto document = contracts::Deployment::decode(row.text(1));
    if (!document) return fail(corrupt("deployment " + name, document.error()));
    stored.deployment = std::move(*document);
    if (!row.is_null(2)) {
        auto active = contracts::Deployment::decode(row.text(2));
        if (!active) return fail(corrupt("active spec of deployment " + name, active.error()));
        stored.active = std::move(active->spec);
    }
    if (auto read = read_conditions(stored); !read) return fail(read.error());
    return stored;
}

Result<void> ResourceStore::Impl::read_conditions(StoredDeployment& stored) {
    auto statement = database->prepare(
        "SELECT type, status, reason, message, transition_us FROM conditions WHERE deployment = ?");
    if (!statement) return fail(statement.error());
    statement->bind(stored.deployment.metadata.name);
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return {};
        contracts::Condition condition;
        condition.type = statement->text(0);
        condition.status = statement->integer(1) == 1   ? contracts::ConditionStatus::True
                           : statement->integer(1) == 0 ? contracts::ConditionStatus::False
                                                        : contracts::ConditionStatus::Unknown;
        condition.reason = statement->text(2);
        condition.message = statement->text(3);
        condition.last_transition_time = Timestamp::from_microseconds(statement->integer(4));
        stored.conditions.push_back(std::move(condition));
    }
}

Result<std::optional<StoredDeployment>> ResourceStore::deployment(const contracts::DeploymentName& name) {
    auto statement =
        impl_->database->prepare("SELECT name, document, active FROM deployments WHERE name = ?");
    if (!statement) return fail(statement.error());
    auto row = statement->bind(name.str()).step();
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
    auto stored = impl_->read_deployment(*statement);
    if (!stored) return fail(stored.error());
    return std::optional(std::move(*stored));
}

Result<std::vector<StoredDeployment>> ResourceStore::deployments(std::string_view after, std::int64_t limit) {
    auto statement = impl_->database->prepare(
        "SELECT name, document, active FROM deployments WHERE name > ? ORDER BY name LIMIT ?");
    if (!statement) return fail(statement.error());
    statement->bind(after).bind(limit);
    std::vector<StoredDeployment> result;
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return result;
        auto stored = impl_->read_deployment(*statement);
        if (!stored) return fail(stored.error());
        result.push_back(std::move(*stored));
    }
}

Result<void> ResourceStore::put_deployment(const StoredDeployment& stored) {
    contracts::Deployment document = stored.deployment;
    document.status.reset();
    const std::string bytes = document.encode();
    auto statement = impl_->database->prepare(
        "INSERT INTO deployments (name, document, active) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET document = excluded.document, active = excluded.active");
    if (!statement) return fail(statement.error());
    statement->bind(document.metadata.name).bind(bytes);
    std::string active;
    if (stored.active) {
        contracts::Deployment holder;
        holder.metadata.name = document.metadata.name;
        holder.spec = *stored.active;
        active = holder.encode();
        statement->bind(active);
    } else {
        statement->bind_null();
    }
    return statement->run();
}

Result<void> ResourceStore::remove_deployment(const contracts::DeploymentName& name) {
    auto statement = impl_->database->prepare("DELETE FROM deployments WHERE name = ?");
    if (!statement) return fail(statement.error());
    return statement->bind(name.str()).run();
}

Result<void> ResourceStore::put_conditions(const contracts::DeploymentName& name,
                                           const std::vector<contracts::Condition>& conditions) {
    for (const contracts::Condition& condition : conditions) {
        // Another operator may have removed the Deployment: then there is nothing to keep.
        auto statement = impl_->database->prepare(
            "INSERT INTO conditions SELECT name, ?, ?, ?, ?, ? FROM deployments WHERE name = ? "
            "ON CONFLICT (deployment, type) DO UPDATE SET status = excluded.status, reason = "
            "excluded.reason, "
            "message = excluded.message, transition_us = excluded.transition_us");
        if (!statement) return fail(statement.error());
        const std::int64_t status = condition.status == contracts::ConditionStatus::True    ? 1
                                    : condition.status == contracts::ConditionStatus::False ? 0
                                                                                            : 2;
        statement->bind(condition.type).bind(status).bind(condition.reason).bind(condition.message);
        statement->bind(condition.last_transition_time.microseconds()).bind(name.str());
        if (auto done = statement->run(); !done) return done;
    }
    return {};
}

Result<StoredDevice> ResourceStore::Impl::read_device(const sqlite::Statement& row) {
    StoredDevice device;
    const std::string id(row.text(0));
    device.resource_version = row.integer(1);
    device.registered_at = Timestamp::from_microseconds(row.integer(2));
    auto info = contracts::DeviceInfo::decode(row.text(3));
    if (!info) return fail(corrupt("device " + id, info.error()));
    device.info = std::move(*info);
    return device;
}

Result<std::optional<StoredDevice>> ResourceStore::device(const contracts::DeviceId& id) {
    auto statement =
        impl_->database->prepare("SELECT id, revision, registered_us, info FROM devices WHERE id = ?");
    if (!statement) return fail(statement.error());
    auto row = statement->bind(id.str()).step();
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
    auto device = impl_->read_device(*statement);
    if (!device) return fail(device.error());
    return std::optional(std::move(*device));
}

Result<std::vector<StoredDevice>> ResourceStore::devices(std::string_view after, std::int64_t limit) {
    auto statement = impl_->database->prepare(
        "SELECT id, revision, registered_us, info FROM devices WHERE id > ? ORDER BY id LIMIT ?");
    if (!statement) return fail(statement.error());
    statement->bind(after).bind(limit);
    std::vector<StoredDevice> result;
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return result;
        auto device = impl_->read_device(*statement);
        if (!device) return fail(device.error());
        result.push_back(std::move(*device));
    }
}

Result<void> ResourceStore::each_device_since(std::int64_t revision,
                                              const std::function<void(const StoredDevice&)>& visit) {
    auto statement = impl_->database->prepare(
        "SELECT id, revision, registered_us, info FROM devices WHERE revision > ? ORDER BY revision");
    if (!statement) return fail(statement.error());
    statement->bind(revision);
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return {};
        auto device = impl_->read_device(*statement);
        if (!device) return fail(device.error());
        visit(*device);
    }
}

Result<void> ResourceStore::put_device(const contracts::DeviceInfo& info, Timestamp now) {
    auto known = device(info.device_id);
    if (!known) return fail(known.error());
    if (*known && (*known)->info.same_content(info)) return {};
    auto revision = next_revision();
    if (!revision) return fail(revision.error());
    const std::string bytes = info.encode();
    auto statement = impl_->database->prepare(
        "INSERT INTO devices (id, revision, registered_us, info) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, info = excluded.info");
    if (!statement) return fail(statement.error());
    return statement->bind(info.device_id.str()).bind(*revision).bind(now.microseconds()).bind(bytes).run();
}

Result<void> ResourceStore::remove_device(const contracts::DeviceId& id) {
    auto known = device(id);
    if (!known) return fail(known.error());
    if (!*known) return fail(ErrorKind::NotFound, "device " + id.str() + ": there is none");
    if (auto bumped = impl_->bump("device_removals"); !bumped) return bumped;
    auto statement = impl_->database->prepare("DELETE FROM devices WHERE id = ?");
    if (!statement) return fail(statement.error());
    return statement->bind(id.str()).run();
}

}  // namespace harmony::op
