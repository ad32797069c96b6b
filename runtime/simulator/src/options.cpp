#include "harmony/simulator/options.hpp"

#include <getopt.h>

#include <charconv>
#include <functional>
#include <optional>

#include "harmony/contracts/labels.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/daemon/config_reader.hpp"
#include "harmony/daemon/files.hpp"

namespace harmony::simulator {

namespace daemon = runtime::daemon;

namespace {

constexpr double kMaxRate = 1e6;

using Setter = std::function<Result<void>(SimulatorOptions&, const std::string&)>;

Result<std::int64_t> whole(const std::string& text, std::int64_t min, std::int64_t max) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= min && value <= max)
        return value;
    return fail(ErrorKind::InvalidInput, "found \"" + text + "\", expected a whole number from " +
                                             std::to_string(min) + " to " + std::to_string(max));
}

Result<double> number(const std::string& text, double max, const char* expected) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= 0 && value <= max) return value;
    return fail(ErrorKind::InvalidInput, "found \"" + text + "\", expected " + expected);
}

template <class Member>
Setter whole_number(Member SimulatorOptions::*member, std::int64_t min, std::int64_t max) {
    return [=](SimulatorOptions& options, const std::string& text) -> Result<void> {
        const auto value = whole(text, min, max);
        if (!value) return fail(value.error());
        options.*member = static_cast<Member>(*value);
        return {};
    };
}

Setter rate(double SimulatorOptions::*member, double max, const char* expected) {
    return [=](SimulatorOptions& options, const std::string& text) -> Result<void> {
        const auto value = number(text, max, expected);
        if (!value) return fail(value.error());
        options.*member = *value;
        return {};
    };
}

Setter distribution(DurationDistribution SimulatorOptions::*member) {
    return [=](SimulatorOptions& options, const std::string& text) -> Result<void> {
        auto parsed = DurationDistribution::parse(text);
        if (!parsed) return fail(parsed.error());
        options.*member = *parsed;
        return {};
    };
}

Setter duration(Microseconds SimulatorOptions::*member, Microseconds min) {
    return [=](SimulatorOptions& options, const std::string& text) -> Result<void> {
        const auto parsed = parse_duration(text);
        if (!parsed) return fail(parsed.error());
        if (*parsed < min) {
            return fail(ErrorKind::InvalidInput, "found \"" + text + "\", expected at least " +
                                                     std::to_string(min.count() / 1'000'000) + "s");
        }
        options.*member = *parsed;
        return {};
    };
}

Setter text_of(std::string SimulatorOptions::*member) {
    return [=](SimulatorOptions& options, const std::string& text) -> Result<void> {
        options.*member = text;
        return {};
    };
}

Result<void> set_prefix(SimulatorOptions& options, const std::string& text) {
    // The longest id has to be one, too.
    if (auto id = contracts::DeviceId::parse(text + "-" + std::to_string(kMaxDevices)); !id) {
        return fail(ErrorKind::InvalidInput,
                    "found \"" + text +
                        "\", expected the beginning of device ids: lower-case letters, digits "
                        "and -, no dot, at most " +
                        std::to_string(contracts::kMaxNameBytes - 8) + " bytes");
    }
    options.prefix = text;
    return {};
}

Result<void> set_subscriptions(SimulatorOptions& options, const std::string& text) {
    if (text != "per-device" && text != "shared") {
        return fail(ErrorKind::InvalidInput, "found \"" + text + "\", expected per-device or shared");
    }
    options.subscriptions = text == "shared" ? Subscriptions::Shared : Subscriptions::PerDevice;
    return {};
}

Result<void> add_label(SimulatorOptions& options, const std::string& key, const std::string& pattern) {
    if (auto good = contracts::check_label_key("label", key); !good) return good;
    auto parsed = LabelPattern::parse(pattern);
    if (!parsed) return fail(parsed.error());
    options.labels.insert_or_assign(key, *std::move(parsed));
    if (options.labels.size() <= contracts::kMaxLabels) return {};
    return fail(ErrorKind::InvalidInput,
                "expected at most " + std::to_string(contracts::kMaxLabels) + " labels");
}

enum class TomlType { Text, Integer, Number };

// What both the command line and the file know: there with '-', here with '_'.
struct Option {
    const char* name;
    const char* value;
    const char* help;
    TomlType type;
    Setter set;
};

const std::vector<Option>& known_options() {
    using Options = SimulatorOptions;
    static const std::vector<Option> known{
        {"devices", "N", "how many, 1 to 1000000 (100)", TomlType::Integer,
         whole_number(&Options::devices, 1, kMaxDevices)},
        {"prefix", "TEXT", "device ids are TEXT-0, TEXT-1, ... (sim)", TomlType::Text, set_prefix},
        {"react", "TIME", "from a hint to the read that follows it (0)", TomlType::Text,
         distribution(&Options::react)},
        {"run", "TIME", "from the start of a deployment to Running or Failed (lognormal:300ms:2s)",
         TomlType::Text, distribution(&Options::run)},
        {"failures", "SHARE", "of device and score pairs that fail, 0 to 1 (0)", TomlType::Number,
         rate(&Options::failures, 1, "a share from 0 to 1")},
        {"failures-of", "TEXT", "only scores that contain TEXT may fail, such as an image's name (all)",
         TomlType::Text, text_of(&Options::failures_of)},
        {"churn", "N", "devices that leave per minute (0)", TomlType::Number,
         rate(&Options::churn_per_minute, kMaxRate, "a number of devices per minute, at most 1000000")},
        {"away", "TIME", "how long a device that leaves is gone (1s..10s)", TomlType::Text,
         distribution(&Options::away)},
        {"heartbeat-interval", "DURATION", "as the agents of the fleet have it (30s)", TomlType::Text,
         duration(&Options::heartbeat_interval, std::chrono::seconds(1))},
        {"resync-interval", "DURATION", "between full reads of the desired state (300s)", TomlType::Text,
         duration(&Options::resync_interval, std::chrono::seconds(1))},
        {"join-rate", "N", "devices that come up per second (5000)", TomlType::Number,
         [](Options& options, const std::string& text) -> Result<void> {
             const auto value = number(text, kMaxRate, "devices per second, from 0.1 to 1000000");
             if (!value) return fail(value.error());
             if (*value < 0.1) {
                 return fail(ErrorKind::InvalidInput,
                             "found \"" + text + "\", expected devices per second, from 0.1 to 1000000");
             }
             options.join_per_second = *value;
             return {};
         }},
        {"connections", "N", "that the devices share, 1 to 10000 (4)", TomlType::Integer,
         whole_number(&Options::connections, 1, kMaxConnections)},
        {"subscriptions", "WHICH", "per-device, as real agents have them, or shared (per-device)",
         TomlType::Text, set_subscriptions},
        {"seed", "N", "decides labels, latencies, failures and churn (1)", TomlType::Integer,
         whole_number(&Options::seed, 0, INT64_MAX)},
        {"duration", "DURATION", "then end; 0: until SIGINT or SIGTERM (0)", TomlType::Text,
         duration(&Options::duration, Microseconds(0))},
        {"report", "FILE", "write a JSON report there at the end", TomlType::Text, text_of(&Options::report)},
    };
    return known;
}

std::string toml_name(std::string_view option) {
    std::string name = "simulator.";
    for (const char c : option)
        name += c == '-' ? '_' : c;
    return name;
}

void read_option(daemon::ConfigReader& reader, const Option& option, SimulatorOptions& options) {
    const std::string path = toml_name(option.name);
    if (!reader.has(path)) return;
    std::string text;
    switch (option.type) {
        case TomlType::Text:
            text = reader.required_string(path);
            break;
        case TomlType::Integer:
            text = std::to_string(reader.required_integer(path, INT64_MIN, INT64_MAX));
            break;
        case TomlType::Number:
            text = std::to_string(reader.number(path, 0, -kMaxRate, kMaxRate));
            break;
    }
    if (auto set = option.set(options, text); !set) reader.problem(path, set.error().message());
}

struct CredentialSources {
    std::string file;  // TOML with nats_user and nats_pass
    std::string user;
    std::string password_file;
};

Result<void> read_file(const std::string& path, SimulatorOptions& options, CredentialSources& sources) {
    const auto text = daemon::read_file(path);
    if (!text) return fail(text.error());
    auto reader = daemon::ConfigReader::parse(*text, path);
    if (!reader) return fail(reader.error());
    for (const Option& option : known_options())
        read_option(*reader, option, options);
    for (const auto& [key, pattern] : reader->string_map("labels")) {
        if (auto added = add_label(options, key, pattern); !added) {
            reader->problem("labels." + key, added.error().message());
        }
    }
    options.urls = reader->string_list("nats.urls");
    sources.file = reader->string("credentials.file", "");
    sources.user = reader->string("credentials.user", "");
    sources.password_file = reader->string("credentials.password_file", "");
    return reader->finish();
}

Result<void> read_credentials(const CredentialSources& sources, SimulatorOptions& options) {
    if (!sources.file.empty()) {
        auto credentials = daemon::read_credentials_file(sources.file);
        if (!credentials) return fail(credentials.error());
        options.credentials = *std::move(credentials);
        return {};
    }
    if (sources.user.empty() != sources.password_file.empty()) {
        return fail(ErrorKind::InvalidInput, "--user and --password-file go together");
    }
    if (sources.user.empty()) return {};
    auto password = daemon::read_secret_file(sources.password_file);
    if (!password) return fail(password.error());
    while (!password->empty() && (password->back() == '\n' || password->back() == '\r'))
        password->pop_back();
    options.credentials = {sources.user, *std::move(password)};
    return {};
}

// What getopt returns for the options that known_options() lacks; the others are their index.
enum Special : int {
    kConfig = 1000,
    kLabel,
    kNats,
    kCredentials,
    kUser,
    kPasswordFile,
    kQuiet,
    kCheck,
    kHelp,
    kVersion
};

std::vector<option> getopt_table() {
    std::vector<option> table;
    int index = 0;
    for (const Option& known : known_options())
        table.push_back({known.name, required_argument, nullptr, index++});
    const option special[] = {{"config", required_argument, nullptr, kConfig},
                              {"label", required_argument, nullptr, kLabel},
                              {"nats", required_argument, nullptr, kNats},
                              {"credentials", required_argument, nullptr, kCredentials},
                              {"user", required_argument, nullptr, kUser},
                              {"password-file", required_argument, nullptr, kPasswordFile},
                              {"quiet", no_argument, nullptr, kQuiet},
                              {"check-config", no_argument, nullptr, kCheck},
                              {"help", no_argument, nullptr, kHelp},
                              {"version", no_argument, nullptr, kVersion},
                              {nullptr, 0, nullptr, 0}};
    table.insert(table.end(), std::begin(special), std::end(special));
    return table;
}

struct Argument {
    int which = 0;
    std::string value;
};

Result<std::vector<Argument>> split(int count, char** values) {
    const auto table = getopt_table();
    std::vector<Argument> arguments;
    optind = 1;
    opterr = 0;
    for (;;) {
        const int at = optind;
        const int found = getopt_long(count, values, ":", table.data(), nullptr);
        if (found == -1) break;
        if (found == ':') {
            return fail(ErrorKind::InvalidInput, std::string(values[at]) + ": expected a value after it");
        }
        if (found == '?') {
            std::vector<std::string> names;
            for (const option& known : table)
                if (known.name != nullptr) names.push_back(std::string("--") + known.name);
            const std::string typed = values[at];
            const auto near = daemon::closest_match(typed.substr(0, typed.find('=')), names);
            return fail(ErrorKind::InvalidInput,
                        typed + ": there is no such option" + (near ? "; did you mean " + *near + "?" : ""));
        }
        arguments.push_back({found, optarg != nullptr ? optarg : ""});
    }
    if (optind < count) {
        return fail(ErrorKind::InvalidInput, std::string(values[optind]) + ": unexpected argument");
    }
    return arguments;
}

Result<void> apply_label(SimulatorOptions& options, const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) {
        return fail(ErrorKind::InvalidInput, "--label: found \"" + text + "\", expected KEY=PATTERN");
    }
    auto added = add_label(options, text.substr(0, equals), text.substr(equals + 1));
    if (!added) return fail(added.error().wrap("--label " + text.substr(0, equals)));
    return {};
}

Result<void> apply_argument(const Argument& argument, SimulatorOptions& options, CredentialSources& sources) {
    switch (argument.which) {
        case kLabel:
            return apply_label(options, argument.value);
        case kNats:
            options.urls = {argument.value};
            return {};
        case kCredentials:
            sources.file = argument.value;
            return {};
        case kUser:
            sources.user = argument.value;
            return {};
        case kPasswordFile:
            sources.password_file = argument.value;
            return {};
        case kQuiet:
            options.quiet = true;
            return {};
        default:
            break;
    }
    if (argument.which >= kConfig) return {};
    const Option& known = known_options()[static_cast<std::size_t>(argument.which)];
    auto set = known.set(options, argument.value);
    if (!set) return fail(set.error().wrap(std::string("--") + known.name));
    return {};
}

}  // namespace

SimulatorOptions::SimulatorOptions()
    : run(*DurationDistribution::parse("lognormal:300ms:2s")),
      away(*DurationDistribution::parse("1s..10s")) {}

Result<CommandLine> read_command_line(int count, char** values) {
    const auto arguments = split(count, values);
    if (!arguments) return fail(arguments.error());
    CommandLine line;
    CredentialSources sources;
    for (const Argument& argument : *arguments) {
        if (argument.which == kHelp) line.wish = CommandLine::Wish::Help;
        if (argument.which == kVersion) line.wish = CommandLine::Wish::Version;
        if (argument.which == kCheck) line.wish = CommandLine::Wish::Check;
        if (argument.which != kConfig) continue;
        if (auto read = read_file(argument.value, line.options, sources); !read) return fail(read.error());
    }
    if (line.wish == CommandLine::Wish::Help || line.wish == CommandLine::Wish::Version) return line;
    for (const Argument& argument : *arguments) {
        if (auto applied = apply_argument(argument, line.options, sources); !applied) {
            return fail(applied.error());
        }
    }
    if (line.options.urls.empty()) {
        return fail(ErrorKind::InvalidInput,
                    "--nats: expected the server's URL, as in nats://127.0.0.1:4222");
    }
    line.options.connections = std::min(line.options.connections, line.options.devices);
    if (auto read = read_credentials(sources, line.options); !read) return fail(read.error());
    return line;
}

std::string usage() {
    std::string text =
        "Usage: harmony-fleet-simulator --nats URL [OPTIONS]\n"
        "\n"
        "Plays devices of a fleet against a real NATS server and operator.\n"
        "\n"
        "  --config FILE                 TOML: [simulator] with the names below and _ for -, [labels],\n"
        "                                [nats] urls, [credentials] file, or user and password_file\n"
        "  --nats URL                    nats://HOST:PORT\n"
        "  --credentials FILE            TOML, mode 0600: nats_user, nats_pass\n"
        "  --user NAME                   with --password-file: a user and the file that holds the password\n"
        "  --password-file FILE          mode 0600\n"
        "  --label KEY=PATTERN           repeats; \"s{0..99}\", \"gold*1,silver*9\", \"unit-{n}\"\n";
    for (const Option& option : known_options()) {
        std::string left = std::string("  --") + option.name + " " + option.value;
        left.resize(std::max<std::size_t>(left.size() + 1, 32), ' ');
        text += left + option.help + "\n";
    }
    return text +
           "  --quiet                       no live figures on stderr\n"
           "  --check-config                check everything and exit: 0 where it is valid, 2 where not\n"
           "  --version                     print the version\n"
           "  --help                        print this\n"
           "\n"
           "TIME is a duration (\"20ms\"), a range (\"10ms..200ms\") or \"lognormal:MEDIAN:P99\".\n";
}

}  // namespace harmony::simulator
