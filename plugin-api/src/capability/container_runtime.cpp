#include <harmony/capability/container_runtime.hpp>

#include "wire.hpp"

namespace harmony::plugin {

namespace {

using Labels = ContainerRuntime::Labels;

struct FilterParams {
    Labels labels;

    static auto fields() { return harmony::plugin::fields(field("labels", &FilterParams::labels)); }
};

struct RemovalParams {
    Labels labels;

    static auto fields() {
        return harmony::plugin::fields(field("labels", &RemovalParams::labels).required().min_items(1));
    }
};

struct ImageParams {
    std::string image;

    static auto fields() { return harmony::plugin::fields(field("image", &ImageParams::image).required()); }
};

class Client final : public ContainerRuntime {
 public:
    explicit Client(CapabilityCaller& caller) : caller_(caller) {}

    Result<ContainerRuntimeInfo> info() override {
        return wire::ask<ContainerRuntimeInfo>(caller_, kId, "info", Json::object());
    }
    Result<ContainerRuntimeEndpoint> ensure() override {
        return wire::ask<ContainerRuntimeEndpoint>(caller_, kId, "ensure", Json::object());
    }
    Result<std::vector<Container>> containers(const Labels& labels) override {
        return wire::ask_member<std::vector<Container>>(caller_, kId, "containers",
                                                        to_json(FilterParams{labels}), "containers");
    }
    Result<std::int64_t> remove_containers(const Labels& labels) override {
        return wire::ask_member<std::int64_t>(caller_, kId, "remove_containers",
                                              to_json(RemovalParams{labels}), "removed");
    }
    Result<bool> image_exists(const std::string& image) override {
        return wire::ask_member<bool>(caller_, kId, "image_exists", to_json(ImageParams{image}), "exists");
    }

 private:
    CapabilityCaller& caller_;
};

}  // namespace

std::unique_ptr<ContainerRuntime> ContainerRuntime::client(CapabilityCaller& caller) {
    return std::make_unique<Client>(caller);
}

Result<Json> ContainerRuntime::dispatch(ContainerRuntime& server, std::string_view method,
                                        const Json& params) {
    using wire::reply;
    using wire::serve;
    if (method == "info") return reply(server.info());
    if (method == "ensure") return reply(server.ensure());
    if (method == "containers") {
        return serve<FilterParams>(
            params, [&](const FilterParams& p) { return reply("containers", server.containers(p.labels)); });
    }
    if (method == "remove_containers") {
        return serve<RemovalParams>(params, [&](const RemovalParams& p) {
            return reply("removed", server.remove_containers(p.labels));
        });
    }
    if (method == "image_exists") {
        return serve<ImageParams>(
            params, [&](const ImageParams& p) { return reply("exists", server.image_exists(p.image)); });
    }
    return unknown_capability_method(kId, method);
}

}  // namespace harmony::plugin
