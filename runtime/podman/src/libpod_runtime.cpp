#include <algorithm>
#include <charconv>

#include "errors.hpp"
#include "harmony/http/client.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "libpod_exec.hpp"
#include "libpod_json.hpp"
#include "log_frames.hpp"

namespace harmony::runtime::podman {
namespace {

using http::percent_encode;
using std::chrono::milliseconds;

constexpr std::string_view kBase = "/v4.0.0/libpod";
// A device with some hundred containers answers with a few hundred KiB.
constexpr std::size_t kMaxBodyBytes = 32 * 1024 * 1024;
constexpr std::size_t kMaxLineBytes = 1024 * 1024;

// Calls `take` with each whole line; false from it ends the stream.
class LineSplitter {
 public:
    template <class Take>
    bool feed(std::string_view bytes, Take take) {
        buffer_.append(bytes);
        std::size_t begin = 0;
        for (auto end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n', begin)) {
            const std::string_view line(buffer_.data() + begin, end - begin);
            if (!line.empty() && !take(line)) return false;
            begin = end + 1;
        }
        buffer_.erase(0, begin);
        return buffer_.size() <= kMaxLineBytes;
    }
    [[nodiscard]] const std::string& rest() const { return buffer_; }

 private:
    std::string buffer_;
};

class PodmanRuntime final : public ContainerRuntime {
 public:
    explicit PodmanRuntime(PodmanOptions options)
        : options_(std::move(options)),
          client_(http::make_http_client(http::Endpoint::unix_socket(options_.socket_path))) {}

    Result<RuntimeInfo> info() override {
        auto response = call("GET", "/info", "podman info");
        if (!response) return fail(response.error());
        return decode_info(response->body);
    }

    Result<std::vector<Container>> list(const Labels& labels) override {
        const std::string filter = percent_encode(encode_label_filter(labels));
        auto response = call("GET", "/containers/json?all=true&filters=" + filter, "list containers");
        if (!response) return fail(response.error());
        return decode_list(response->body);
    }

    Result<Container> inspect(const std::string& container) override {
        auto response = call("GET", path(container, "/json"), "inspect container " + container);
        if (!response) return fail(response.error());
        return decode_inspect(response->body);
    }

    Result<std::string> create(const ContainerSpec& spec) override {
        if (!spec.stop_signal.empty() && signal_number(spec.stop_signal) == 0) {
            return fail(ErrorKind::InvalidInput, "create container " + spec.name + ": the stop signal " +
                                                     spec.stop_signal + " has no number here");
        }
        auto response =
            call("POST", "/containers/create", "create container " + spec.name, encode_create(spec));
        if (!response) return fail(response.error());
        return decode_created(response->body);
    }

    Result<void> start(const std::string& container) override {
        return done(call("POST", path(container, "/start"), "start container " + container));
    }

    Result<void> stop(const std::string& container, std::chrono::seconds grace) override {
        const std::string target = path(container, "/stop?timeout=" + std::to_string(grace.count()));
        return done(
            call("POST", target, "stop container " + container, {}, options_.request_timeout + grace));
    }

    Result<void> remove(const std::string& container) override {
        const std::string target = path(container, "?force=true&timeout=0");
        return done(call("DELETE", target, "remove container " + container));
    }

    Result<int> wait(const std::string& container, milliseconds timeout, std::stop_token stop) override {
        const std::string what = "wait for container " + container;
        std::string body;
        // A stream, so that other calls don't queue behind a wait of minutes.
        auto response = client_->stream(
            {.method = "POST",
             .target = target(path(container, "/wait?condition=exited&condition=stopped")),
             .body = {},
             .headers = {}},
            collect(body), {.header_deadline = timeout, .idle_deadline = timeout, .stop = std::move(stop)});
        if (!response) return fail(response.error().wrap(what));
        if (response->status >= 300) {
            return fail(refusal(response->status, decode_error_message(response->body), what));
        }
        int code = 0;
        const auto read = std::from_chars(body.data(), body.data() + body.size(), code);
        if (read.ec != std::errc())
            return fail(ErrorKind::Corrupt, what + ": podman answered with no exit code");
        return code;
    }

    Result<bool> image_exists(const std::string& image) override {
        const std::string what = "look for image " + image;
        auto response = call("GET", "/images/" + percent_encode(image) + "/exists", what);
        if (response) return true;
        if (response.error().kind() == ErrorKind::NotFound) return false;
        return fail(response.error());
    }

    Result<std::string> pull(const std::string& image, const PullProgress& progress,
                             std::stop_token stop) override {
        const std::string what = "pull image " + image;
        LineSplitter lines;
        std::string id;
        std::string failure;
        const auto take = [&](std::string_view line) {
            auto decoded = decode_pull_line(line);
            if (!decoded) return true;
            if (!decoded->id.empty()) id = decoded->id;
            if (!decoded->error.empty()) failure = decoded->error;
            if (!decoded->text.empty() && progress) progress(decoded->text);
            return true;
        };
        auto request = pull_request(image);
        if (!request) return fail(request.error().wrap(what));
        // Podman holds the header back until the registry has answered.
        const milliseconds registry_deadline = options_.request_timeout * 4;
        auto response =
            client_->stream(*request, [&](std::string_view bytes) { return lines.feed(bytes, take); },
                            {.header_deadline = registry_deadline,
                             .idle_deadline = kSilentPullLimit,
                             .stop = std::move(stop)});
        if (!response) return fail(response.error().wrap(what));
        const std::string registry = registry_of(image);
        if (response->status >= 300) {
            return fail(pull_failure(decode_error_message(response->body), what, registry));
        }
        if (!lines.rest().empty()) take(lines.rest());
        if (!failure.empty()) return fail(pull_failure(failure, what, registry));
        if (id.empty()) return fail(ErrorKind::Corrupt, what + ": podman named no image at the end");
        return id;
    }

    Result<LogTail> logs(const std::string& container, const LogRequest& request) override {
        const std::string what = "logs of container " + container;
        // Without `tail`: podman 4.3 then glues an unfinished line to the one before it. The collector keeps
        // the last lines, and the size set at creation bounds what there is to read.
        std::string query = "/logs?stdout=true&stderr=true&timestamps=true&follow=false";
        if (request.since > 0) query += "&since=" + std::to_string(request.since);
        LogCollector collector(request);
        Result<void> fed;
        auto response = client_->stream(
            {.method = "GET", .target = target(path(container, query)), .body = {}, .headers = {}},
            [&](std::string_view bytes) {
                fed = collector.feed(bytes);
                return fed.has_value();
            },
            {.header_deadline = options_.request_timeout, .idle_deadline = options_.request_timeout});
        if (!response) return fail(response.error().wrap(what));
        if (response->status >= 300) {
            return fail(refusal(response->status, decode_error_message(response->body), what));
        }
        if (!fed) return fail(fed.error().wrap(what));
        return collector.finish();
    }

    Result<void> follow_logs(const std::string& container, const LogPosition& from,
                             std::size_t max_line_bytes, const LogHandler& on_line,
                             std::stop_token stop) override {
        const std::string what = "follow the logs of container " + container;
        std::string query = "/logs?stdout=true&stderr=true&timestamps=true&follow=true";
        // Podman tells what is younger than this: all of the position's second, which the reader then counts.
        if (from.second > 0) query += "&since=" + std::to_string(from.second - 1) + ".999999999";
        bool wanted = true;
        LogReader* self = nullptr;
        LogReader reader(from, max_line_bytes, [&](LogLine line) {
            if (wanted) wanted = on_line(std::move(line), self->position());
        });
        self = &reader;
        Result<void> fed;
        // Podman sends the header with the first line, so its absence says nothing.
        auto response = client_->stream(
            {.method = "GET", .target = target(path(container, query)), .body = {}, .headers = {}},
            [&](std::string_view bytes) {
                fed = reader.feed(bytes);
                return fed.has_value() && wanted;
            },
            {.header_deadline = kForever, .stop = stop});
        if (fed && wanted) reader.finish();
        if (!fed) return fail(fed.error().wrap(what));
        if (stop.stop_requested() || !wanted) return {};
        if (!response) return fail(response.error().wrap(what));
        if (response->status >= 300) {
            return fail(refusal(response->status, decode_error_message(response->body), what));
        }
        return {};
    }

    Result<ExecOutcome> exec(const std::string& container, const ExecSpec& spec,
                             std::stop_token stop) override {
        return run_exec(*client_, std::string(kBase), container, spec, options_.request_timeout,
                        std::move(stop));
    }

    Result<void> events(const EventFilter& filter, const EventHandler& on_event,
                        std::stop_token stop) override {
        LineSplitter lines;
        bool wanted = true;
        const auto take = [&](std::string_view line) {
            auto event = decode_event(line);
            if (event && *event) wanted = on_event(**event);
            return wanted;
        };
        const std::string query =
            "/events?stream=true&filters=" + percent_encode(encode_event_filter(filter));
        // Podman sends the header with the first event, so its absence says nothing.
        auto response = client_->stream({.method = "GET", .target = target(query), .body = {}, .headers = {}},
                                        [&](std::string_view bytes) { return lines.feed(bytes, take); },
                                        {.header_deadline = kForever, .stop = stop});
        if (stop.stop_requested() || !wanted) return {};
        if (!response) return fail(response.error().wrap("podman events"));
        if (response->status >= 300) {
            return fail(refusal(response->status, decode_error_message(response->body), "podman events"));
        }
        return fail(ErrorKind::Unavailable, "podman events: the stream ended");
    }

 private:
    static constexpr milliseconds kForever = std::chrono::hours{24 * 365};
    // Podman tells of a layer when it begins; a large one over a slow line takes its hours.
    static constexpr milliseconds kSilentPullLimit = std::chrono::hours{6};

    Result<http::Request> pull_request(const std::string& image) const {
        http::Request request{.method = "POST",
                              .target = target("/images/pull?reference=" + percent_encode(image)),
                              .body = {},
                              .headers = {}};
        const std::string registry = registry_of(image);
        const auto& listed = options_.insecure_registries;
        const bool insecure = is_loopback_registry(registry) ||
                              std::find(listed.begin(), listed.end(), registry) != listed.end();
        // Without the parameter, what the device's registries.conf says holds.
        if (insecure) request.target += "&tlsVerify=false";
        if (!options_.registry_auths) return request;
        const auto auths = options_.registry_auths();
        if (!auths) return fail(auths.error());
        if (const RegistryCredentials* credentials = auths->find(image)) {
            request.headers.push_back({"X-Registry-Auth", encode_registry_auth(*credentials)});
        }
        return request;
    }

    static std::string target(const std::string& rest) { return std::string(kBase) + rest; }
    static std::string path(const std::string& container, const std::string& rest) {
        return "/containers/" + percent_encode(container) + rest;
    }
    static http::ChunkHandler collect(std::string& body) {
        return [&body](std::string_view bytes) {
            body.append(bytes);
            return body.size() < kMaxLineBytes;
        };
    }
    static Result<void> done(const Result<http::Response>& response) {
        if (!response) return fail(response.error());
        return {};
    }

    // Success for 2xx, and for 304, with which podman says that there was nothing to do.
    Result<http::Response> call(std::string method, const std::string& rest, const std::string& what,
                                std::string body = {}, std::optional<milliseconds> deadline = std::nullopt) {
        http::Request request{
            .method = std::move(method), .target = target(rest), .body = std::move(body), .headers = {}};
        if (!request.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
        auto response = client_->request(request, {.deadline = deadline.value_or(options_.request_timeout),
                                                   .max_body_bytes = kMaxBodyBytes});
        if (!response) return fail(response.error().wrap(what));
        if (response->status >= 300 && response->status != 304) {
            return fail(refusal(response->status, decode_error_message(response->body), what));
        }
        return std::move(*response);
    }

    const PodmanOptions options_;
    const std::unique_ptr<http::HttpClient> client_;
};

}  // namespace

std::unique_ptr<ContainerRuntime> make_podman_runtime(PodmanOptions options) {
    return std::make_unique<PodmanRuntime>(std::move(options));
}

}  // namespace harmony::runtime::podman
