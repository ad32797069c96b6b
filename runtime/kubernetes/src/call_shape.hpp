// Methods, targets and bodies of calls. Pure.
#pragma once

#include <string>

#include "harmony/kubernetes/client.hpp"
#include "status.hpp"
#include "transport/transport.hpp"

namespace harmony::runtime::kubernetes {

struct ShapedCall {
    CallName name;
    WireRequest request;  // without its authorization
};

[[nodiscard]] Answer<ShapedCall> shape_discover(const std::string& api_version);
[[nodiscard]] Answer<ShapedCall> shape_get(const ObjectRef& ref);
[[nodiscard]] Answer<ShapedCall> shape_list(const ResourceType& type, const std::string& name_space,
                                            const ListOptions& options);
[[nodiscard]] Answer<ShapedCall> shape_create(const ObjectRef& ref, const Json& object,
                                              const WriteOptions& options);
[[nodiscard]] Answer<ShapedCall> shape_replace(const ObjectRef& ref, const Json& object,
                                               const WriteOptions& options);
[[nodiscard]] Answer<ShapedCall> shape_patch(const ObjectRef& ref, PatchKind kind, const Json& body,
                                             const WriteOptions& options);
[[nodiscard]] Answer<ShapedCall> shape_remove(const ObjectRef& ref, const DeleteOptions& options);
[[nodiscard]] Answer<ShapedCall> shape_logs(const PodRef& pod, const LogOptions& options);
[[nodiscard]] Answer<ShapedCall> shape_channels(const PodRef& pod, const ChannelRequest& request);

}  // namespace harmony::runtime::kubernetes
