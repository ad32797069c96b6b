#include "harmony/operator/sqlite_resource_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sqlite.hpp"
#include "sqlite_rollouts.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

constexpr std::int64_t kApplicationId = 0x48464f31;  // "HFO1": tells our file from any other SQLite file
constexpr std::int64_t kSchemaVersion = 2;

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
    kRolloutTables,
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

class SqliteResourceStore final : public ResourceStore {
 public:
    explicit SqliteResourceStore(std::unique_ptr<sqlite::Connection> database)
        : database_(std::move(database)) {}

    // Settings and schema; Corrupt where the file is not ours or is damaged.
    Result<void> prepare();

    Result<void> transaction(const std::function<Result<void>()>& work) override;
    Result<std::int64_t> next_revision() override;
    Result<std::optional<StoredDeployment>> deployment(const contracts::DeploymentName& name) override;
    Result<std::vector<StoredDeployment>> deployments(std::string_view after, std::int64_t limit) override;
    Result<std::vector<DeploymentVersion>> deployment_versions() override;
    Result<void> put_deployment(const StoredDeployment& stored) override;
    Result<void> remove_deployment(const contracts::DeploymentName& name) override;
    Result<void> put_conditions(const contracts::DeploymentName& name,
                                const std::vector<contracts::Condition>& conditions) override;
    Result<std::optional<RolloutRecord>> rollout(const contracts::DeploymentName& name) override;
    Result<void> put_rollout(const contracts::DeploymentName& name, const RolloutRecord& record) override;
    Result<void> put_holdings(const contracts::DeploymentName& name, std::int64_t version,
                              std::span<const contracts::DeviceId> devices, ScoreHash score) override;
    Result<void> each_holding_since(const contracts::DeploymentName& name, std::int64_t version,
                                    const std::function<void(const Holding&)>& visit) override;
    Result<std::vector<ScoreHash>> held_scores(const contracts::DeploymentName& name) override;
    Result<std::optional<StoredDevice>> device(const contracts::DeviceId& id) override;
    Result<std::vector<StoredDevice>> devices(std::string_view after, std::int64_t limit) override;
    Result<void> each_device_since(std::int64_t revision,
                                   const std::function<void(const StoredDevice&)>& visit) override;
    Result<void> put_device(const contracts::DeviceInfo& info, Timestamp now) override;
    Result<void> remove_device(const contracts::DeviceId& id) override;
    Result<bool> changed_by_others() override;
    Result<std::int64_t> revision() override;
    Result<std::int64_t> device_removals() override;

 private:
    Error corrupt(const std::string& what, const Error& why) const {
        return Error(ErrorKind::Corrupt, why.text())
            .wrap("resource store " + database_->path() + ": " + what);
    }

    Result<void> migrate();
    Result<void> bump(const char* counter);
    Result<StoredDeployment> read_deployment(const sqlite::Statement& row);
    Result<void> read_conditions(StoredDeployment& stored);
    Result<StoredDevice> read_device(const sqlite::Statement& row);

    std::unique_ptr<sqlite::Connection> database_;
    std::int64_t data_version_ = -1;
};

Result<void> SqliteResourceStore::migrate() {
    const auto version = database_->number("PRAGMA user_version");
    const auto application = database_->number("PRAGMA application_id");
    if (!version) return fail(version.error());
    if (!application) return fail(application.error());
    const std::string file = "resource store " + database_->path();
    const auto tables = database_->number("SELECT count(*) FROM sqlite_schema");
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
        if (auto done = database_->execute(kMigrations[step]); !done) return done;
    }
    if (*version == kSchemaVersion) return {};
    if (auto done = database_->execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
        !done)
        return done;
    return database_->execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
}

Result<void> SqliteResourceStore::prepare() {
    for (const char* setting :
         {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"}) {
        if (auto done = database_->execute(setting); !done) return done;
    }
    if (auto migrated = transaction([this] { return migrate(); }); !migrated) return migrated;
    auto check = database_->prepare("PRAGMA quick_check(1)");
    if (!check) return fail(check.error());
    auto row = check->step();
    if (!row) return fail(row.error());
    if (*row && check->text(0) != "ok") {
        return fail(ErrorKind::Corrupt,
                    "resource store " + database_->path() + ": is damaged: " + std::string(check->text(0)));
    }
    if (auto first = changed_by_others(); !first) return fail(first.error());
    return {};
}

Result<void> SqliteResourceStore::transaction(const std::function<Result<void>()>& work) {
    if (auto begun = database_->execute("BEGIN IMMEDIATE"); !begun) return begun;
    auto worked = work();
    if (worked) worked = database_->execute("COMMIT");
    if (!worked) (void)database_->execute("ROLLBACK");
    return worked;
}

Result<void> SqliteResourceStore::bump(const char* counter) {
    auto statement = database_->prepare("UPDATE counters SET value = value + 1 WHERE name = ?");
    if (!statement) return fail(statement.error());
    return statement->bind(counter).run();
}

Result<std::int64_t> SqliteResourceStore::next_revision() {
    if (auto bumped = bump("revision"); !bumped) return fail(bumped.error());
    return revision();
}

Result<std::int64_t> SqliteResourceStore::revision() {
    return database_->number("SELECT value FROM counters WHERE name = 'revision'");
}

Result<std::int64_t> SqliteResourceStore::device_removals() {
    return database_->number("SELECT value FROM counters WHERE name = 'device_removals'");
}

Result<bool> SqliteResourceStore::changed_by_others() {
    const auto version = database_->number("PRAGMA data_version");
    if (!version) return fail(version.error());
    const bool changed = data_version_ >= 0 && data_version_ != *version;
    data_version_ = *version;
    return changed;
}

// The active spec is kept as a Deployment document, the form that has a codec.
Result<StoredDeployment> SqliteResourceStore::read_deployment(const sqlite::Statement& row) {
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
    auto rollout = read_rollout(*database_, name);
    if (!rollout) return fail(rollout.error());
    if (*rollout) stored.rollout = std::move(**rollout);
    return stored;
}

Result<void> SqliteResourceStore::read_conditions(StoredDeployment& stored) {
    auto statement = database_->prepare(
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

Result<std::optional<StoredDeployment>> SqliteResourceStore::deployment(
    const contracts::DeploymentName& name) {
    auto statement = database_->prepare("SELECT name, document, active FROM deployments WHERE name = ?");
    if (!statement) return fail(statement.error());
    auto row = statement->bind(name.str()).step();
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
    auto stored = read_deployment(*statement);
    if (!stored) return fail(stored.error());
    return std::optional(std::move(*stored));
}

Result<std::vector<StoredDeployment>> SqliteResourceStore::deployments(std::string_view after,
                                                                       std::int64_t limit) {
    auto statement = database_->prepare(
        "SELECT name, document, active FROM deployments WHERE name > ? ORDER BY name LIMIT ?");
    if (!statement) return fail(statement.error());
    statement->bind(after).bind(limit);
    std::vector<StoredDeployment> result;
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return result;
        auto stored = read_deployment(*statement);
        if (!stored) return fail(stored.error());
        result.push_back(std::move(*stored));
    }
}

Result<std::vector<DeploymentVersion>> SqliteResourceStore::deployment_versions() {
    auto statement = database_->prepare(
        "SELECT d.name, coalesce(json_extract(d.document, '$.metadata.resourceVersion'), ''), "
        "coalesce(r.version, 0) FROM deployments d LEFT JOIN rollouts r ON r.deployment = d.name "
        "ORDER BY d.name");
    if (!statement) return fail(statement.error());
    std::vector<DeploymentVersion> result;
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return result;
        auto name = contracts::DeploymentName::parse(statement->text(0));
        if (!name) return fail(corrupt("a deployment's name", name.error()));
        result.push_back({std::move(*name), std::string(statement->text(1)), statement->integer(2)});
    }
}

Result<void> SqliteResourceStore::put_deployment(const StoredDeployment& stored) {
    contracts::Deployment document = stored.deployment;
    document.status.reset();
    const std::string bytes = document.encode();
    auto statement = database_->prepare(
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
    if (auto done = statement->run(); !done) return done;
    return write_rollout(*database_, document.metadata.name, stored.rollout);
}

Result<void> SqliteResourceStore::remove_deployment(const contracts::DeploymentName& name) {
    auto statement = database_->prepare("DELETE FROM deployments WHERE name = ?");
    if (!statement) return fail(statement.error());
    return statement->bind(name.str()).run();
}

Result<void> SqliteResourceStore::put_conditions(const contracts::DeploymentName& name,
                                                 const std::vector<contracts::Condition>& conditions) {
    // Another operator may have removed the Deployment: then there is nothing to keep.
    auto statement = database_->prepare(
        "INSERT INTO conditions SELECT name, ?, ?, ?, ?, ? FROM deployments WHERE name = ? "
        "ON CONFLICT (deployment, type) DO UPDATE SET status = excluded.status, reason = excluded.reason, "
        "message = excluded.message, transition_us = excluded.transition_us");
    if (!statement) return fail(statement.error());
    for (const contracts::Condition& condition : conditions) {
        const std::int64_t status = condition.status == contracts::ConditionStatus::True    ? 1
                                    : condition.status == contracts::ConditionStatus::False ? 0
                                                                                            : 2;
        statement->again().bind(condition.type).bind(status).bind(condition.reason).bind(condition.message);
        statement->bind(condition.last_transition_time.microseconds()).bind(name.str());
        if (auto done = statement->run(); !done) return done;
    }
    return {};
}

Result<std::optional<RolloutRecord>> SqliteResourceStore::rollout(const contracts::DeploymentName& name) {
    return read_rollout(*database_, name.str());
}

Result<void> SqliteResourceStore::put_rollout(const contracts::DeploymentName& name,
                                              const RolloutRecord& record) {
    return write_rollout(*database_, name.str(), record);
}

Result<void> SqliteResourceStore::put_holdings(const contracts::DeploymentName& name, std::int64_t version,
                                               std::span<const contracts::DeviceId> devices,
                                               ScoreHash score) {
    return write_holdings(*database_, name.str(), version, devices, score);
}

Result<void> SqliteResourceStore::each_holding_since(const contracts::DeploymentName& name,
                                                     std::int64_t version,
                                                     const std::function<void(const Holding&)>& visit) {
    return read_holdings(*database_, name.str(), version, visit);
}

Result<std::vector<ScoreHash>> SqliteResourceStore::held_scores(const contracts::DeploymentName& name) {
    return read_held_scores(*database_, name.str());
}

Result<StoredDevice> SqliteResourceStore::read_device(const sqlite::Statement& row) {
    StoredDevice device;
    const std::string id(row.text(0));
    device.resource_version = row.integer(1);
    device.registered_at = Timestamp::from_microseconds(row.integer(2));
    auto info = contracts::DeviceInfo::decode(row.text(3));
    if (!info) return fail(corrupt("device " + id, info.error()));
    device.info = std::move(*info);
    return device;
}

Result<std::optional<StoredDevice>> SqliteResourceStore::device(const contracts::DeviceId& id) {
    auto statement = database_->prepare("SELECT id, revision, registered_us, info FROM devices WHERE id = ?");
    if (!statement) return fail(statement.error());
    auto row = statement->bind(id.str()).step();
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
    auto device = read_device(*statement);
    if (!device) return fail(device.error());
    return std::optional(std::move(*device));
}

Result<std::vector<StoredDevice>> SqliteResourceStore::devices(std::string_view after, std::int64_t limit) {
    auto statement = database_->prepare(
        "SELECT id, revision, registered_us, info FROM devices WHERE id > ? ORDER BY id LIMIT ?");
    if (!statement) return fail(statement.error());
    statement->bind(after).bind(limit);
    std::vector<StoredDevice> result;
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return result;
        auto device = read_device(*statement);
        if (!device) return fail(device.error());
        result.push_back(std::move(*device));
    }
}

Result<void> SqliteResourceStore::each_device_since(std::int64_t revision,
                                                    const std::function<void(const StoredDevice&)>& visit) {
    auto statement = database_->prepare(
        "SELECT id, revision, registered_us, info FROM devices WHERE revision > ? ORDER BY revision");
    if (!statement) return fail(statement.error());
    statement->bind(revision);
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return {};
        auto device = read_device(*statement);
        if (!device) return fail(device.error());
        visit(*device);
    }
}

Result<void> SqliteResourceStore::put_device(const contracts::DeviceInfo& info, Timestamp now) {
    auto known = device(info.device_id);
    if (!known) return fail(known.error());
    if (*known && (*known)->info.same_content(info)) return {};
    auto revision = next_revision();
    if (!revision) return fail(revision.error());
    const std::string bytes = info.encode();
    auto statement = database_->prepare(
        "INSERT INTO devices (id, revision, registered_us, info) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, info = excluded.info");
    if (!statement) return fail(statement.error());
    return statement->bind(info.device_id.str()).bind(*revision).bind(now.microseconds()).bind(bytes).run();
}

Result<void> SqliteResourceStore::remove_device(const contracts::DeviceId& id) {
    auto known = device(id);
    if (!known) return fail(known.error());
    if (!*known) return fail(ErrorKind::NotFound, "device " + id.str() + ": there is none");
    if (auto bumped = bump("device_removals"); !bumped) return bumped;
    auto statement = database_->prepare("DELETE FROM devices WHERE id = ?");
    if (!statement) return fail(statement.error());
    return statement->bind(id.str()).run();
}

}  // namespace

Result<std::unique_ptr<ResourceStore>> open_sqlite_resource_store(const std::string& path) {
    if (auto created = create_private(path); !created) return fail(created.error());
    auto database = sqlite::Connection::open(path);
    if (!database) return fail(database.error());
    auto store = std::make_unique<SqliteResourceStore>(std::move(*database));
    if (auto prepared = store->prepare(); !prepared) return fail(prepared.error());
    return std::unique_ptr<ResourceStore>(std::move(store));
}

}  // namespace harmony::op
