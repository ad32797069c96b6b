// The C++ SDK for Harmony plugins. A plugin is some Scores, topologies, commands and scenarios, and once:
//
//   HARMONY_PLUGIN((harmony::plugin::PluginInfo{.id = "acme/weather", .version = "1.0.0", .summary = "..."}),
//                  scores<acme::StaticSiteScore>(), commands<acme::SiteUrlCommand>())
//
// (The parentheses keep the macro from reading the commas of the braces.) Every call that comes in is
// decoded, checked and caught here: an exception from a verb becomes HP_E_INTERNAL with its text.
#pragma once

#include <harmony/plugin.h>

#include <harmony/plugin/capability.hpp>
#include <harmony/plugin/command.hpp>
#include <harmony/plugin/contribution.hpp>
#include <harmony/plugin/diagnostic.hpp>
#include <harmony/plugin/fields.hpp>
#include <harmony/plugin/json.hpp>
#include <harmony/plugin/scenario.hpp>
#include <harmony/plugin/score.hpp>
#include <harmony/plugin/topology.hpp>

#define HARMONY_PLUGIN(...)                                                                               \
    extern "C" HP_EXPORT int32_t harmony_plugin_entry_1(const hp_hello* hello, hp_plugin* out) noexcept { \
        return ::harmony::plugin::detail::enter(hello, out, [] {                                          \
            using ::harmony::plugin::commands;                                                            \
            using ::harmony::plugin::scenarios;                                                           \
            using ::harmony::plugin::scores;                                                              \
            using ::harmony::plugin::topologies;                                                          \
            return ::harmony::plugin::detail::contributions(__VA_ARGS__);                                 \
        });                                                                                               \
    }                                                                                                     \
    static_assert(true, "lets a semicolon follow")
