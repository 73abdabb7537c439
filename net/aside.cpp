#include "net/aside.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "booking/assert.hpp"
#include "net/admin_json.hpp"
#include "store/wiping.hpp"

namespace janji::net {

response answer_of(const std::expected<std::string, std::string>& result) {
  return result ? json_response(boost::json::object{{"result", *result}}) : to_response(refused(result.error()));
}

void note(actors::node& node, std::string what, std::string detail) {
  auto words = what + ", " + detail;
  node.note({std::move(what), std::move(detail), "admin", {}}, [&node, words = std::move(words)](const auto& noted) {
    if (!noted)
      node.warn(fmt::format("an operator's order is not in the audit trail: {}: {}", words, noted.error()));
  });
}

side_thread::side_thread() : thread_([this](const std::stop_token& stop) { serve(stop); }) {}

void side_thread::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    assert_always(!next_, "one piece of work at a time");
    next_ = std::move(work);
  }
  wake_.notify_one();
}

void side_thread::serve(const std::stop_token& stop) {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return next_ != nullptr; }))
        return;
      work = std::exchange(next_, nullptr);
    }
    store::in_private([&] {
      work();
      work = nullptr;  // keys that it has may be among what it holds
    });
  }
}

void one_at_a_time::run(responder&& respond, std::function<response()> work) {
  if (working_.exchange(true))
    return respond(to_response(because<reason_code::another_order>(problem_code::busy)));
  auto kept = std::make_shared<responder>(std::move(respond));
  worker_.run([this, kept, work = std::move(work)] {
    auto said = work();
    boost::asio::post(io_, [this, kept, said = std::move(said)]() mutable {
      working_ = false;
      (*kept)(std::move(said));
    });
  });
}

}  // namespace janji::net
