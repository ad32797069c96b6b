// What the verbs of a Score speak about. The wire form is spec/methods.md, Scores.
#pragma once

#include <harmony/plugin/fields.hpp>
#include <optional>
#include <string>
#include <vector>

namespace harmony::plugin {

// A thing that a Score owns: a daemon, a file, a Kubernetes object.
struct Object {
    std::string kind;
    std::string name;
    std::string id{};
    std::string detail{};

    static auto fields() {
        return harmony::plugin::fields(field("kind", &Object::kind), field("name", &Object::name),
                                       field("id", &Object::id).omit_default(),
                                       field("detail", &Object::detail).omit_default());
    }
    friend bool operator==(const Object&, const Object&) = default;
};

// One value that differs. before is absent when it is new, after when it goes away, both when it is
// sensitive.
struct Difference {
    std::string path;
    std::optional<Json> before{};
    std::optional<Json> after{};
    bool sensitive = false;

    static auto fields() {
        return harmony::plugin::fields(field("path", &Difference::path), field("before", &Difference::before),
                                       field("after", &Difference::after),
                                       field("sensitive", &Difference::sensitive).omit_default());
    }
    friend bool operator==(const Difference&, const Difference&) = default;
};

enum class Action { Create, Update, Replace, Restart, Reload, Delete };
inline EnumNames<Action> enum_names(Action) {
    return {{Action::Create, "create"},   {Action::Update, "update"}, {Action::Replace, "replace"},
            {Action::Restart, "restart"}, {Action::Reload, "reload"}, {Action::Delete, "delete"}};
}

struct Step {
    std::string id;  // unique in the plan and the same for the same step of a later plan
    Action action = Action::Create;
    Object object;
    std::string summary{};
    std::vector<Difference> diff{};
    bool destructive = false;  // deletes data that nothing can bring back
    std::string why{};

    static auto fields() {
        return harmony::plugin::fields(
            field("id", &Step::id), field("action", &Step::action), field("object", &Step::object),
            field("summary", &Step::summary).omit_default(), field("diff", &Step::diff),
            field("destructive", &Step::destructive).omit_default(), field("why", &Step::why).omit_default());
    }
    friend bool operator==(const Step&, const Step&) = default;
};

// A plan after an apply has no step: leave out what would change nothing.
struct Plan {
    std::vector<Step> steps{};
    bool deferred = false;  // a value is known only after a pending Score: the host asks again then

    static auto fields() {
        return harmony::plugin::fields(field("steps", &Plan::steps),
                                       field("deferred", &Plan::deferred).omit_default());
    }
};

enum class Purpose { Apply, Destroy };
inline EnumNames<Purpose> enum_names(Purpose) {
    return {{Purpose::Apply, "apply"}, {Purpose::Destroy, "destroy"}};
}

struct PlanRequest {
    Purpose purpose = Purpose::Apply;
    std::vector<std::string> pending{};  // Scores of the same run that come first and still have work to do
    bool delete_data = false;            // with Purpose::Destroy: also what nothing can bring back

    static auto fields() {
        return harmony::plugin::fields(field("purpose", &PlanRequest::purpose),
                                       field("pending", &PlanRequest::pending),
                                       field("delete_data", &PlanRequest::delete_data).omit_default());
    }
};

// One line of a smoke test.
struct Check {
    std::string name;
    bool ok = false;
    std::string detail{};

    static auto fields() {
        return harmony::plugin::fields(field("name", &Check::name), field("ok", &Check::ok),
                                       field("detail", &Check::detail).omit_default());
    }
};

}  // namespace harmony::plugin
