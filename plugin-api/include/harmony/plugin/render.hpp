// A Score's desired state as files, for tools that deploy themselves (spec/methods.md, score.render).
#pragma once

#include <harmony/plugin/fields.hpp>
#include <string>
#include <vector>

namespace harmony::plugin {

// Formats that ScoreInfo::renders can name. A host asks for those it knows.
inline constexpr const char* kHelmChart = "helm-chart/1";  // the folder of a Helm chart, apiVersion v2

struct RenderedFile {
    std::string path;  // relative, with '/': templates/deployment.yaml
    std::string content;

    static auto fields() {
        return harmony::plugin::fields(field("path", &RenderedFile::path).required(),
                                       field("content", &RenderedFile::content).required());
    }
    friend bool operator==(const RenderedFile&, const RenderedFile&) = default;
};

struct RenderRequest {
    std::string format;  // one of ScoreInfo::renders

    static auto fields() {
        return harmony::plugin::fields(field("format", &RenderRequest::format).required());
    }
};

}  // namespace harmony::plugin
