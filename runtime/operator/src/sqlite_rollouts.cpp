#include "sqlite_rollouts.hpp"

#include <utility>

namespace harmony::op {

namespace {

// SQLite's integers are signed.
std::int64_t to_column(ScoreHash hash) {
    return static_cast<std::int64_t>(hash);
}
ScoreHash from_column(std::int64_t number) {
    return static_cast<ScoreHash>(number);
}

Result<void> run(sqlite::Connection& database, const char* sql, const std::string& deployment) {
    auto statement = database.prepare(sql);
    if (!statement) return fail(statement.error());
    return statement->bind(deployment).run();
}

Error corrupt(const sqlite::Connection& database, const std::string& what, const Error& why) {
    return Error(ErrorKind::Corrupt, why.text()).wrap("resource store " + database.path() + ": " + what);
}

Result<void> read_older(sqlite::Connection& database, const std::string& deployment, RolloutRecord& record) {
    auto statement = database.prepare("SELECT score FROM revisions WHERE deployment = ? ORDER BY place");
    if (!statement) return fail(statement.error());
    statement->bind(deployment);
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return {};
        auto score = contracts::Score::decode(statement->text(0));
        if (!score)
            return fail(corrupt(database, "an older score of deployment " + deployment, score.error()));
        record.older.push_back(std::move(*score));
    }
}

Result<void> write_older(sqlite::Connection& database, const std::string& deployment,
                         const std::vector<contracts::Score>& older) {
    if (auto gone = run(database, "DELETE FROM revisions WHERE deployment = ?", deployment); !gone)
        return gone;
    for (std::size_t place = 0; place < older.size(); ++place) {
        auto statement =
            database.prepare("INSERT INTO revisions (deployment, place, score) VALUES (?, ?, ?)");
        if (!statement) return fail(statement.error());
        const std::string bytes = older[place].encode();
        statement->bind(deployment).bind(static_cast<std::int64_t>(place)).bind(bytes);
        if (auto done = statement->run(); !done) return done;
    }
    return {};
}

}  // namespace

Result<std::optional<RolloutRecord>> read_rollout(sqlite::Connection& database,
                                                  const std::string& deployment) {
    auto statement = database.prepare(
        "SELECT r.version, r.epoch, r.base FROM deployments d LEFT JOIN rollouts r ON r.deployment = d.name "
        "WHERE d.name = ?");
    if (!statement) return fail(statement.error());
    auto row = statement->bind(deployment).step();
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
    RolloutRecord record;
    if (statement->is_null(0)) return std::optional(std::move(record));
    record.version = statement->integer(0);
    record.epoch = statement->integer(1);
    record.base = from_column(statement->integer(2));
    if (!record.in_progress()) return std::optional(std::move(record));
    if (auto read = read_older(database, deployment, record); !read) return fail(read.error());
    return std::optional(std::move(record));
}

Result<void> write_rollout(sqlite::Connection& database, const std::string& deployment,
                           const RolloutRecord& record) {
    auto before = read_rollout(database, deployment);
    if (!before) return fail(before.error());
    if (!*before) return fail(ErrorKind::NotFound, "Deployment " + deployment + ": there is none");
    if (**before == record) return {};
    if ((*before)->epoch != record.epoch) {
        if (auto gone = run(database, "DELETE FROM holdings WHERE deployment = ?", deployment); !gone)
            return gone;
    }
    if ((*before)->older != record.older) {
        if (auto written = write_older(database, deployment, record.older); !written) return written;
    }
    auto statement = database.prepare(
        "INSERT INTO rollouts (deployment, version, epoch, base) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (deployment) DO UPDATE SET version = excluded.version, epoch = excluded.epoch, "
        "base = excluded.base");
    if (!statement) return fail(statement.error());
    statement->bind(deployment).bind(record.version).bind(record.epoch).bind(to_column(record.base));
    return statement->run();
}

Result<void> write_holdings(sqlite::Connection& database, const std::string& deployment, std::int64_t version,
                            std::span<const contracts::DeviceId> devices, ScoreHash score) {
    auto statement = database.prepare(
        "INSERT INTO holdings (deployment, device, version, score) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (deployment, device) DO UPDATE SET version = excluded.version, "
        "score = excluded.score");
    if (!statement) return fail(statement.error());
    for (const contracts::DeviceId& device : devices) {
        statement->again().bind(deployment).bind(device.str()).bind(version).bind(to_column(score));
        if (auto done = statement->run(); !done) return done;
    }
    return {};
}

Result<void> read_holdings(sqlite::Connection& database, const std::string& deployment, std::int64_t since,
                           const std::function<void(const Holding&)>& visit) {
    auto statement =
        database.prepare("SELECT device, score FROM holdings WHERE deployment = ? AND version > ?");
    if (!statement) return fail(statement.error());
    statement->bind(deployment).bind(since);
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return {};
        auto device = contracts::DeviceId::parse(statement->text(0));
        if (!device) return fail(corrupt(database, "a device of deployment " + deployment, device.error()));
        visit({std::move(*device), from_column(statement->integer(1))});
    }
}

Result<std::vector<ScoreHash>> read_held_scores(sqlite::Connection& database, const std::string& deployment) {
    auto statement = database.prepare("SELECT DISTINCT score FROM holdings WHERE deployment = ?");
    if (!statement) return fail(statement.error());
    statement->bind(deployment);
    std::vector<ScoreHash> result;
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return result;
        result.push_back(from_column(statement->integer(0)));
    }
}

}  // namespace harmony::op
