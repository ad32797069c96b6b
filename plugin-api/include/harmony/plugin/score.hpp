// A Score: a typed, named desired state.
#pragma once

#include <harmony/plugin/capability.hpp>
#include <harmony/plugin/plan.hpp>
#include <harmony/plugin/render.hpp>
#include <string>
#include <vector>

namespace harmony::plugin {

struct ScoreInfo {
    std::string name;
    std::string summary;
    std::vector<std::string> after{};    // Scores that go first when both are selected
    bool overlaps = false;               // its steps need what those have applied, not that it works yet
    bool destructive = false;            // applying may delete data
    std::vector<std::string> renders{};  // formats of render(): kHelmChart
};

// What a verb sees. Valid until the verb returns.
template <class Params, class... Capabilities>
class ScoreRun : public CapabilityRun<Capabilities...> {
 public:
    ScoreRun(Call& call, const Session& session, const Params& params)
        : CapabilityRun<Capabilities...>(call, session), params_(params) {}
    [[nodiscard]] const Params& params() const { return params_; }

 private:
    const Params& params_;
};

// Derive from it, add `static inline const ScoreInfo info{...};` and the verbs. Each capability argument is a
// capability, Optional<C> or AnyOf<A, B>. An object is made for each instance, cheaply and without side
// effect; its verbs are called one at a time.
template <Described Params, class... Capabilities>
class Score {
 public:
    using Parameters = Params;
    using Run = ScoreRun<Params, Capabilities...>;

    virtual ~Score() = default;

    // What the field list cannot say, such as two fields that exclude each other. Touches nothing outside.
    virtual Result<void> validate(Run&) { return {}; }
    // What exists now. No side effect.
    virtual Result<std::vector<Object>> read(Run& run) = 0;
    // What would have to be done. No side effect; empty when all is as it should be.
    virtual Result<Plan> plan(Run& run, const PlanRequest& request) = 0;
    // Carries out one step of a plan; repeating one that was carried out changes nothing.
    virtual Result<void> apply(Run& run, const Step& step) = 0;
    // The smoke test: does it work, seen from where its users stand?
    virtual Result<std::vector<Check>> verify(Run& run) = 0;
    // Carries out one step of a plan with Purpose::Destroy.
    virtual Result<void> destroy(Run& run, const Step& step) = 0;
    // Where info.renders names formats: the same desired state as files, as a function of the parameters
    // alone. No capability is there, no secret may be in the files, and equal parameters give equal bytes.
    // Sensitive parameters are absent. `call` is for log lines.
    virtual Result<std::vector<RenderedFile>> render(Call& /*call*/, const Params& /*params*/,
                                                     const RenderRequest& request) {
        return invalid_parameter("format", "this Score has no format " + request.format);
    }

    static detail::Requirements requirements() { return detail::requirements_of<Capabilities...>(); }
};

}  // namespace harmony::plugin
