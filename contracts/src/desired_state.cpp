#include "harmony/contracts/desired_state.hpp"

#include "codecs.hpp"

namespace harmony::contracts {

namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_score_type(std::string_view text) {
    return !text.empty() && text.size() <= kMaxScoreTypeBytes && is_letter(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

void read_index(const Field& root, DesiredIndex& out) {
    const auto deployments = root.required("deployments");
    deployments.items(kMaxDeploymentsPerDevice,
                      [&](const Field& entry) { entry.name(out.deployments.emplace_back()); });
    std::sort(out.deployments.begin(), out.deployments.end());
    const auto twice = std::adjacent_find(out.deployments.begin(), out.deployments.end());
    if (!root.failed() && twice != out.deployments.end()) {
        deployments.reject_because("names " + in_quotes(twice->str()) + " twice");
    }
}

}  // namespace

void read_score(const Field& field, Score& out) {
    if (!field.object()) return;
    const auto type = field.required("type");
    type.text(out.type, 1, kMaxScoreTypeBytes);
    if (type.present() && !is_score_type(out.type)) type.reject("a letter, then letters and digits");
    const auto data = field.required("data");
    if (!data.object()) return;
    out.data = dump_canonical(data.json());
    if (out.data.size() > kMaxScoreBytes) {
        data.reject_because("has " + std::to_string(out.data.size()) + " bytes, expected at most " +
                            std::to_string(kMaxScoreBytes));
    }
}

Json write_score(const Score& score) {
    auto data = Json::parse(score.data, nullptr, false);
    // Data that is no JSON can only come from a program that filled the struct by hand; its receiver refuses
    // null.
    return {{"type", score.type}, {"data", data.is_discarded() ? Json() : std::move(data)}};
}

Result<Score> Score::decode(std::string_view json) {
    return decode_document<Score>(json, kMaxDesiredStateBytes, read_score);
}

std::string Score::encode() const {
    return dump_canonical(write_score(*this));
}

std::string Score::hash() const {
    return value_hash(encode());
}

Result<DesiredIndex> DesiredIndex::decode(std::string_view json) {
    return decode_document<DesiredIndex>(json, kMaxDesiredStateBytes, read_index);
}

std::string DesiredIndex::encode() const {
    std::vector<std::string> names;
    names.reserve(deployments.size());
    for (const auto& name : deployments)
        names.push_back(name.str());
    std::sort(names.begin(), names.end());
    return dump_canonical(Json{{"deployments", names}});
}

std::string desired_digest(const DesiredHashes& held) {
    auto digest = kFnvOffsetBasis;
    for (const auto& [deployment, hash] : held) {
        digest = fnv1a64(deployment.str(), digest);
        digest = fnv1a64("=", digest);
        digest = fnv1a64(hash, digest);
        digest = fnv1a64("\n", digest);
    }
    return hex16(digest);
}

}  // namespace harmony::contracts
