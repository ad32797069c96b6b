#include "diagnostics.hpp"

namespace harmony::cluster {
namespace {

using api::Reason;

struct Words {
    const char* code;
    const char* hint;
    bool retryable = false;
};

Words words_of(Reason reason) {
    switch (reason) {
        case Reason::Configuration:
            return {"kubernetes.no-access",
                    "mend the kubeconfig, or name another one with the context's setting kubeconfig"};
        case Reason::Unreachable:
            return {"kubernetes.unreachable",
                    "check that the cluster runs and that its address is right: kubectl cluster-info", true};
        case Reason::Unavailable:
            return {"kubernetes.unavailable", "the API server is starting or overloaded: try again soon",
                    true};
        case Reason::UntrustedServer:
            return {"kubernetes.untrusted-server",
                    "put the authority that issued the server's certificate into the cluster's "
                    "certificate-authority-data, or correct the address"};
        case Reason::Unauthorized:
            return {
                "kubernetes.unauthorized",
                "get new credentials for this cluster, then check them with: kubectl auth can-i get pods"};
        case Reason::Forbidden:
            return {"kubernetes.forbidden",
                    "ask whoever runs the cluster for a role with that verb and resource, or use a context "
                    "that has it"};
        case Reason::QuotaExceeded:
            return {"kubernetes.quota-exceeded",
                    "raise the ResourceQuota of the namespace, or ask for less: kubectl describe quota"};
        case Reason::NamespaceTerminating:
            return {"kubernetes.namespace-terminating",
                    "wait until the namespace is gone, or use another one: kubectl get namespaces", true};
        case Reason::Conflict:
            return {"kubernetes.conflict", "change it where that manager is, or apply with force"};
        case Reason::Invalid:
            return {"kubernetes.invalid", "correct the named fields"};
        case Reason::NotFound:
            return {"kubernetes.not-found", ""};
        case Reason::AlreadyExists:
            return {"kubernetes.already-exists", ""};
        case Reason::Timeout:
            return {"kubernetes.timeout", "the cluster is slow or the timeout of the context is short", true};
        case Reason::Gone:
            return {"kubernetes.failed", "", true};
        case Reason::Rejected:
        case Reason::Malformed:
        case Reason::Cancelled:
            break;
    }
    return {"kubernetes.failed", ""};
}

}  // namespace

plugin::Diagnostic describe(const api::Failure& failure) {
    if (failure.reason == Reason::Cancelled) return plugin::cancelled_failure().value();
    const Words words = words_of(failure.reason);
    plugin::Diagnostic diagnostic{
        .code = words.code, .summary = failure.text(), .hint = words.hint, .retryable = words.retryable};
    for (const auto& conflict : failure.conflicts)
        diagnostic.detail += "field " + conflict.field + " is owned by " + conflict.manager + "\n";
    for (const auto& problem : failure.problems)
        diagnostic.detail += problem.field + ": " + problem.message + "\n";
    return diagnostic;
}

}  // namespace harmony::cluster
