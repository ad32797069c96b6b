#include "harmony/agent/inventory.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <set>

#include "harmony/daemon/files.hpp"

namespace harmony::agent {

namespace {

constexpr std::string_view kPrettyName = "PRETTY_NAME=";

// Empty for an address that says nothing to another machine: loopback and link-local.
std::string address_text(const sockaddr* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        if ((ntohl(v4->sin_addr.s_addr) >> 16) == 0xA9FE) return {};
        inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    } else if (address->sa_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
        if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) return {};
        inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    }
    return text.data();
}

std::vector<std::string> read_addresses() {
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(first, &freeifaddrs);
    std::set<std::string> found;
    for (const ifaddrs* entry = first; entry; entry = entry->ifa_next) {
        const bool useful = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_LOOPBACK) == 0;
        if (!useful || !entry->ifa_addr) continue;
        if (std::string text = address_text(entry->ifa_addr); !text.empty()) found.insert(std::move(text));
        if (found.size() == contracts::kMaxAddresses) break;
    }
    return {found.begin(), found.end()};
}

std::string cut(std::string text) {
    if (text.size() > contracts::kMaxInventoryTextBytes) text.resize(contracts::kMaxInventoryTextBytes);
    return text;
}

std::string read_operating_system() {
    for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
        const auto text = runtime::daemon::read_file(path, 64 * 1024);
        if (!text) continue;
        if (std::string name = pretty_name(*text); !name.empty()) return name;
    }
    return {};
}

}  // namespace

std::string pretty_name(std::string_view os_release) {
    while (!os_release.empty()) {
        const std::size_t end = os_release.find('\n');
        std::string_view line = os_release.substr(0, end);
        os_release.remove_prefix(end == std::string_view::npos ? os_release.size() : end + 1);
        if (!line.starts_with(kPrettyName)) continue;
        line.remove_prefix(kPrettyName.size());
        const bool quoted =
            line.size() >= 2 && (line.front() == '"' || line.front() == '\'') && line.back() == line.front();
        return std::string(quoted ? line.substr(1, line.size() - 2) : line);
    }
    return {};
}

std::optional<contracts::Inventory> read_inventory(const std::string& disk_path) {
    utsname system{};
    if (uname(&system) != 0) return std::nullopt;
    contracts::Inventory inventory;
    inventory.hostname = cut(system.nodename);
    inventory.architecture = cut(system.machine);
    inventory.kernel = cut(std::string(system.sysname) + " " + system.release);
    inventory.operating_system = cut(read_operating_system());
    if (const long cores = sysconf(_SC_NPROCESSORS_ONLN); cores > 0) inventory.cpu_cores = cores;
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_size = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_size > 0) inventory.memory_bytes = std::int64_t{pages} * page_size;
    struct statvfs disk {};
    if (statvfs(disk_path.c_str(), &disk) == 0) {
        inventory.disk_bytes = static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize);
    }
    inventory.addresses = read_addresses();
    return inventory;
}

}  // namespace harmony::agent
