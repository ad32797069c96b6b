#include "harmony/operator/kept_rollout.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"

namespace harmony::op {

using Json = nlohmann::json;

namespace {

tl::unexpected<Error> broken(const std::string& field, const std::string& expected) {
    return fail(ErrorKind::Corrupt, "rollout record: " + field + ": expected " + expected);
}

std::string part_name(const std::string& text) {
    return contracts::hex16(contracts::fnv1a64(text));
}

std::string join(const std::vector<contracts::DeviceId>& devices) {
    std::string text;
    for (const contracts::DeviceId& device : devices)
        text += (text.empty() ? "" : " ") + device.str();
    return text;
}

Json write_groups(const std::vector<HoldingGroup>& groups) {
    Json result = Json::array();
    for (const HoldingGroup& group : groups)
        result.push_back({group.version, contracts::hex16(group.score), join(group.devices)});
    return result;
}

std::optional<std::uint64_t> read_hex(const Json& value) {
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Result<std::vector<contracts::DeviceId>> split(std::string_view text) {
    std::vector<contracts::DeviceId> devices;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        auto id = contracts::DeviceId::parse(text.substr(0, end));
        if (!id) return fail(ErrorKind::Corrupt, id.error().text());
        devices.push_back(std::move(*id));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return devices;
}

Result<std::vector<HoldingGroup>> read_groups(const Json& value) {
    if (!value.is_array()) return broken("holdings", "a list");
    std::vector<HoldingGroup> groups;
    for (const Json& entry : value) {
        const bool shaped =
            entry.is_array() && entry.size() == 3 && entry[0].is_number_integer() && entry[2].is_string();
        const auto score = shaped ? read_hex(entry[1]) : std::nullopt;
        if (!score) return broken("holdings", "entries of version, score and devices");
        auto devices = split(entry[2].get_ref<const std::string&>());
        if (!devices) return fail(devices.error().wrap("rollout record: holdings"));
        groups.push_back({entry[0].get<std::int64_t>(), *score, std::move(*devices)});
    }
    return groups;
}

// A text in the header itself, or in a part where it is large.
Json place(std::string text, std::size_t limit, EncodedRollout& encoded) {
    if (text.size() <= limit) return {{"text", std::move(text)}};
    std::string name = part_name(text);
    encoded.names.insert(name);
    Json result{{"part", name}};
    encoded.parts.emplace(std::move(name), std::move(text));
    return result;
}

Result<std::string> find_text(const Json& value, const PartReader& part) {
    if (value.is_object() && value.contains("text") && value["text"].is_string())
        return value["text"].get<std::string>();
    if (!value.is_object() || !value.contains("part") || !value["part"].is_string())
        return broken("a score", "its text or the name of its part");
    const auto name = value["part"].get<std::string>();
    const std::string* text = part(name);
    if (text == nullptr) return fail(ErrorKind::NotFound, "rollout record: part " + name + " is missing");
    return *text;
}

// The form of a spec that has a codec.
std::string write_spec(const contracts::DeploymentSpec& spec) {
    contracts::Deployment holder;
    holder.metadata.name = "active";
    holder.spec = spec;
    return holder.encode();
}

std::optional<std::int64_t> number(const Json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<std::int64_t>();
}

Result<void> read_scores(const Json& document, const PartReader& part, KeptRollout& out) {
    const Json active = document.value("active", Json{});
    if (!active.is_null()) {
        auto text = find_text(active, part);
        if (!text) return fail(text.error());
        auto holder = contracts::Deployment::decode(*text);
        if (!holder) return fail(Error(ErrorKind::Corrupt, holder.error().text()).wrap("active spec"));
        out.active = std::move(holder->spec);
    }
    const Json older = document.value("older", Json::array());
    if (!older.is_array()) return broken("older", "a list");
    for (const Json& entry : older) {
        auto text = find_text(entry, part);
        if (!text) return fail(text.error());
        auto score = contracts::Score::decode(*text);
        if (!score) return fail(Error(ErrorKind::Corrupt, score.error().text()).wrap("older score"));
        out.record.older.push_back(std::move(*score));
    }
    return {};
}

Result<void> read_holdings(const Json& document, const PartReader& part, KeptRollout& out) {
    auto recent = read_groups(document.value("recent", Json::array()));
    if (!recent) return fail(recent.error());
    out.recent = std::move(*recent);
    const Json sealed = document.value("sealed", Json::array());
    if (!sealed.is_array()) return broken("sealed", "a list");
    for (const Json& entry : sealed) {
        auto text = find_text(Json{{"part", entry}}, part);
        if (!text) return fail(text.error());
        auto groups = read_groups(Json::parse(*text, nullptr, false));
        if (!groups) return fail(groups.error());
        const std::int64_t last = groups->empty() ? 0 : groups->back().version;
        out.sealed.push_back(std::make_shared<const SealedHoldings>(
            SealedHoldings{entry.get<std::string>(), last, std::move(*groups)}));
    }
    return {};
}

// Seals what has become much.
void seal(KeptRollout& kept) {
    std::size_t bytes = 0;
    for (const HoldingGroup& group : kept.recent) {
        for (const contracts::DeviceId& device : group.devices)
            bytes += device.str().size() + 1;
    }
    if (bytes <= kRecentHoldingBytes) return;
    const std::int64_t last = kept.recent.back().version;
    const std::string name = part_name(write_groups(kept.recent).dump());
    kept.sealed.push_back(
        std::make_shared<const SealedHoldings>(SealedHoldings{name, last, std::exchange(kept.recent, {})}));
}

// Scores that no device holds any more are needed no more.
void forget_unheld(KeptRollout& kept) {
    if (kept.record.older.size() < 2) return;
    std::map<contracts::DeviceId, ScoreHash> held;
    kept.each_holding_since(
        -1, [&](const Holding& holding) { held.insert_or_assign(holding.device, holding.score); });
    std::set<ScoreHash> needed{kept.record.base};
    for (const auto& [device, score] : held)
        needed.insert(score);
    std::erase_if(kept.record.older,
                  [&](const contracts::Score& score) { return !needed.contains(hash_of(score)); });
}

}  // namespace

void KeptRollout::each_holding_since(std::int64_t version,
                                     const std::function<void(const Holding&)>& visit) const {
    const auto tell = [&](const std::vector<HoldingGroup>& groups) {
        for (const HoldingGroup& group : groups) {
            if (group.version <= version) continue;
            for (const contracts::DeviceId& device : group.devices)
                visit({device, group.score});
        }
    };
    for (const auto& old : sealed) {
        if (old->last_version > version) tell(old->groups);
    }
    tell(recent);
}

KeptRollout with_spec(const std::optional<KeptRollout>& before, const contracts::Deployment& now) {
    KeptRollout next = before.value_or(KeptRollout{});
    next.generation = now.metadata.generation;
    if (now.spec.paused) return next;
    const std::int64_t epoch = next.record.epoch;
    next.record = next_rollout(next.record, next.active, now.spec);
    next.active = now.spec;
    if (next.record.epoch != epoch) {
        next.sealed.clear();
        next.recent.clear();
    }
    forget_unheld(next);
    return next;
}

KeptRollout with_step(const KeptRollout& before, const RolloutStep& step) {
    KeptRollout next = before;
    if (step.finished) {
        next.record = finished(next.record);
        next.sealed.clear();
        next.recent.clear();
        return next;
    }
    seal(next);
    ++next.record.version;
    next.recent.push_back({next.record.version, step.score, step.devices});
    return next;
}

EncodedRollout encode_rollout(const KeptRollout& kept,
                              const std::function<bool(const std::string& part)>& is_stored) {
    EncodedRollout encoded;
    Json document{{"generation", kept.generation},
                  {"version", kept.record.version},
                  {"epoch", kept.record.epoch},
                  {"base", contracts::hex16(kept.record.base)},
                  {"recent", write_groups(kept.recent)}};
    if (kept.active) document["active"] = place(write_spec(*kept.active), kInlineScoreBytes, encoded);
    const std::size_t limit = kept.record.older.size() > kInlineScores ? 0 : kInlineScoreBytes;
    for (const contracts::Score& score : kept.record.older)
        document["older"].push_back(place(score.encode(), limit, encoded));
    if (is_stored) std::erase_if(encoded.parts, [&](const auto& part) { return is_stored(part.first); });
    for (const auto& old : kept.sealed) {
        document["sealed"].push_back(old->part);
        encoded.names.insert(old->part);
        if (!is_stored || !is_stored(old->part))
            encoded.parts.emplace(old->part, write_groups(old->groups).dump());
    }
    encoded.header = document.dump();
    return encoded;
}

Result<KeptRollout> decode_rollout(std::string_view header, const PartReader& part) {
    const Json document = Json::parse(header, nullptr, false);
    if (!document.is_object()) return broken("the document", "a JSON object");
    KeptRollout kept;
    const auto generation = number(document, "generation");
    const auto version = number(document, "version");
    const auto epoch = number(document, "epoch");
    if (!generation || !version || !epoch) return broken("generation, version and epoch", "whole numbers");
    const auto base = read_hex(document.value("base", Json{}));
    if (!base) return broken("base", "hexadecimal digits");
    kept.generation = *generation;
    kept.record.version = *version;
    kept.record.epoch = *epoch;
    kept.record.base = *base;
    if (auto read = read_scores(document, part, kept); !read) return fail(read.error());
    if (auto read = read_holdings(document, part, kept); !read) return fail(read.error());
    return kept;
}

}  // namespace harmony::op
