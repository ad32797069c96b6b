#include "fiber.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <vector>

// The bare switch, which makes no system call. Boost's fibers on top of it leave no place between the last
// instrumented instruction and the switch, where the thread sanitizer has to be told.
#include <boost/context/detail/fcontext.hpp>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define HARMONY_FIBER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define HARMONY_FIBER_TSAN 1
#endif

namespace harmony::simulation {

namespace {

namespace switching = boost::context::detail;

// Decoding a document takes some kilobytes; a sanitizer's frames take several times as much.
#if defined(HARMONY_FIBER_ASAN) || defined(HARMONY_FIBER_TSAN)
constexpr std::size_t kStackBytes = 1024 * 1024;
#else
constexpr std::size_t kStackBytes = 256 * 1024;
#endif
constexpr std::size_t kGuardBytes = 4096;

// Stacks are used again: making one costs two system calls.
class Stacks {
 public:
    ~Stacks() {
        for (void* stack : free_)
            munmap(stack, kStackBytes);
    }
    void* take() {
        if (!free_.empty()) {
            void* const stack = free_.back();
            free_.pop_back();
            return stack;
        }
        void* const stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED || mprotect(stack, kGuardBytes, PROT_NONE) != 0) std::abort();
        return stack;
    }
    void give_back(void* stack) {
#if defined(HARMONY_FIBER_ASAN)
        // The last frames of a fiber never return, so what they marked stays marked.
        __asan_unpoison_memory_region(static_cast<char*>(stack) + kGuardBytes, kStackBytes - kGuardBytes);
#endif
        free_.push_back(stack);
    }

 private:
    std::vector<void*> free_;
};

thread_local Stacks stacks;
thread_local Fiber* running = nullptr;

}  // namespace

struct Fiber::Context {
    std::function<void()> body;
    // Where the other side stopped.
    switching::fcontext_t inside = nullptr;
    switching::fcontext_t outside = nullptr;
    void* stack = nullptr;
    bool finished = false;
#if defined(HARMONY_FIBER_ASAN)
    void* outside_fake = nullptr;
    void* inside_fake = nullptr;
    const void* outside_bottom = nullptr;
    std::size_t outside_size = 0;
#endif
#if defined(HARMONY_FIBER_TSAN)
    void* tsan_inside = nullptr;
    void* tsan_outside = nullptr;
#endif

    [[nodiscard]] char* bottom() const {
        return static_cast<char*>(stack) + kGuardBytes;
    }
    static constexpr std::size_t kUsableBytes = kStackBytes - kGuardBytes;

    static void enter(switching::transfer_t from) {
        Context& self = *static_cast<Context*>(from.data);
        self.outside = from.fctx;
#if defined(HARMONY_FIBER_ASAN)
        __sanitizer_finish_switch_fiber(nullptr, &self.outside_bottom, &self.outside_size);
#endif
        self.body();
        self.finished = true;
#if defined(HARMONY_FIBER_ASAN)
        __sanitizer_start_switch_fiber(nullptr, self.outside_bottom, self.outside_size);
#endif
        self.leave();
    }

    void leave() {
#if defined(HARMONY_FIBER_TSAN)
        __tsan_switch_to_fiber(tsan_outside, 0);
#endif
        outside = switching::jump_fcontext(outside, nullptr).fctx;
    }
};

Fiber::Fiber(std::function<void()> body) : context_(std::make_unique<Context>()) {
    context_->body = std::move(body);
    context_->stack = stacks.take();
    context_->inside = switching::make_fcontext(context_->bottom() + Context::kUsableBytes,
                                                Context::kUsableBytes, &Context::enter);
#if defined(HARMONY_FIBER_TSAN)
    context_->tsan_inside = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#if defined(HARMONY_FIBER_TSAN)
    __tsan_destroy_fiber(context_->tsan_inside);
#endif
    stacks.give_back(context_->stack);
}

bool Fiber::finished() const {
    return context_->finished;
}

Fiber* Fiber::current() {
    return running;
}

void Fiber::resume() {
    Context& context = *context_;
    running = this;
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_start_switch_fiber(&context.outside_fake, context.bottom(), Context::kUsableBytes);
#endif
#if defined(HARMONY_FIBER_TSAN)
    context.tsan_outside = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(context.tsan_inside, 0);
#endif
    context.inside = switching::jump_fcontext(context.inside, &context).fctx;
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_finish_switch_fiber(context.outside_fake, nullptr, nullptr);
#endif
    running = nullptr;
}

void Fiber::suspend() {
    Context& context = *running->context_;
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_start_switch_fiber(&context.inside_fake, context.outside_bottom, context.outside_size);
#endif
    context.leave();
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_finish_switch_fiber(context.inside_fake, &context.outside_bottom, &context.outside_size);
#endif
}

}  // namespace harmony::simulation
