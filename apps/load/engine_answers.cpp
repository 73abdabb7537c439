// What becomes of an answer: it is counted and recorded, and decides what its citizen does next.
#include <fmt/format.h>

#include "apps/load/client.hpp"
#include "apps/load/engine_core.hpp"

namespace janji::load {

// ------------------------------------------------------------------ what is answered

void engine::count(answer_class k, clock::duration latency) {
  const auto i = static_cast<std::size_t>(k);
  const auto us = micros(latency);
  stats_.latency_us[i].record(us);
  if (!frozen_)
    ++stats_.while_on[i];
  if (thread_ == 0 && k != answer_class::unknown)
    last_second_.record(us);
  state_.answered[i].fetch_add(1, std::memory_order_relaxed);
}

answer_class engine::booked(const job& j, const confirmation& answer) {
  if (!answer.repeated || (j.attempt > 0 && j.repeat == repeat_kind::first))
    stats_.people_confirmed += j.people;
  if (!answer.repeated)
    follow_up(j, answer);
  if (answer.repeated)
    return answer_class::repeated;
  return all_.is_hot(j.slot) ? answer_class::confirmed_hot : answer_class::confirmed;
}

// Every request ends here exactly once. status 0: no answer, `code` says why.
void engine::settle(connection& c, int status, std::string_view code, int retry_after_s) {
  const auto latency = clock::now() - c.due;
  const auto& j = c.doing;
  if (code.empty() && status >= 400)
    code = problem_code(c.body);
  if (status != 200 && status != 201)
    ++stats_.codes[status == 0 ? std::string(code) : fmt::format("{} {}", status, code)];
  if (j.what == operation::browse || o_.null_target) {
    const bool good = status == 200 || status == 201 || status == 304;
    return count(good                           ? (j.what == operation::browse ? answer_class::read : answer_class::confirmed)
                 : status == 0 || status >= 500 ? answer_class::unknown
                                                : answer_class::refused,
                 latency);
  }
  if (status == 200 || status == 201) {
    auto answer = read_confirmation(c.body);
    const bool booking = j.what == operation::book || j.what == operation::second;
    if (answer.readable && (!booking || answer.references.size() == j.people)) {
      write_record(c, outcome::yes, status, {}, &answer);
      return count(booking ? booked(j, answer) : j.what == operation::cancel ? answer_class::cancelled : answer_class::moved, latency);
    }
    code = "unreadable";
    ++stats_.codes["unreadable"];
    status = 599;  // as any answer of a broken server
  }
  if (status == 0 || status == 429 || status >= 500 || status < 400) {
    write_record(c, outcome::unknown, status, code, nullptr);
    count(answer_class::unknown, latency);
    return ask_again(j, retry_after_s);
  }
  write_record(c, outcome::no, status, code, nullptr);
  const bool full = code == "full";
  count(!full ? answer_class::refused : all_.is_hot(j.slot) ? answer_class::full_hot : answer_class::full, latency);
  if (full && o_.mode == run_mode::fill)
    after_full(j);
}

void engine::write_record(connection& c, outcome x, int status, std::string_view code, const confirmation* answer) {
  if (state_.record == nullptr)
    return;
  const auto& j = c.doing;
  record_entry e;
  e.request = state_.next_request.fetch_add(1, std::memory_order_relaxed);
  e.citizen = j.citizen;
  e.people = j.people;
  e.what = j.what;
  e.result = x;
  e.status = status;
  e.attempt = j.attempt;
  const auto ago = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - c.sent);
  e.latency_us = ago.count();
  e.sent_us = std::chrono::duration_cast<std::chrono::microseconds>((std::chrono::system_clock::now() - ago).time_since_epoch()).count();
  e.key = writer_.key(j);
  e.code = code;
  e.place = writer_.place(j);
  if (status != 0 && c.parser && c.parser->stamp().find_first_not_of("0123456789.") == std::string::npos)
    e.stamp = c.parser->stamp();
  if (!j.reference.empty())
    e.references = {j.reference};
  if (answer != nullptr) {
    e.repeated = answer->repeated;
    if (j.what != operation::cancel)
      e.place = answer->place;
    if (j.reference.empty())
      e.references = answer->references;
  }
  state_.record->add(e);
}

// A confirmed booking's further life, decided by the citizen's number: asked for again, cancelled, moved, tried twice.
void engine::follow_up(const job& done, const confirmation& answer) {
  if (done.what != operation::book || done.repeat == repeat_kind::later || stopping_)
    return;
  const auto chance = [&](std::uint64_t of) { return mix(o_.seed, done.citizen, of); };
  job next = done;
  next.attempt = 0;
  next.repeat = repeat_kind::later;
  if (falls(o_.retry_share / 2, chance(0xF1)))
    push(job(next));
  const auto which = static_cast<double>(chance(0xF2) >> 11) * 0x1p-53;
  const auto position = static_cast<std::size_t>(chance(0xF3) % answer.references.size());
  if (which < o_.cancel_share + o_.move_share) {
    next.what = which < o_.cancel_share ? operation::cancel : operation::move;
    next.purpose = (next.what == operation::cancel ? purposes::cancel : purposes::move) | position;
    next.reference = answer.references[position];
    next.token = position < answer.tokens.size() ? answer.tokens[position] : std::string{};
    if (next.what == operation::move)
      next.slot = all_.draw(chance(0xF4));
    push(std::move(next));
  } else if (falls(o_.second_share, chance(0xF5))) {
    next.what = operation::second;
    next.people = 1;
    next.purpose = purposes::second;
    next.slot = all_.draw(chance(0xF6));
    push(std::move(next));
  }
}

void engine::push(job&& j) {
  if (follow_ups_.size() >= limits::follow_ups_max) {
    ++stats_.follow_ups_dropped;
    return;
  }
  follow_ups_.push_back({std::move(j), clock::now()});
}

void engine::ask_again(const job& j, int retry_after_s) {
  if (j.attempt >= o_.retry_unknowns || finished_) {
    ++stats_.unresolved;
    return;
  }
  auto again = j;
  ++again.attempt;
  ++stats_.retries_of_unknowns;
  auto wait = milliseconds(100) * (1 << std::min(j.attempt, 5U));
  if (retry_after_s >= 0)
    wait = std::min(wait, milliseconds(retry_after_s * 1000));
  wait += milliseconds(static_cast<int>(mix(j.citizen, j.attempt) % 50));
  delayed_.push({std::move(again), clock::now() + wait});
}

// Mode fill: this window is full for one person, so it is for everybody; its citizen tries the next.
void engine::after_full(const job& j) {
  if (j.people == 1)
    chooser_.take_out(j.slot);
  if (chooser_.empty())
    return;
  auto again = j;
  again.attempt = 0;
  ++again.purpose;
  again.slot = chooser_.draw(mix(o_.seed, j.citizen, 0xA2 + again.purpose));
  if (j.people == 1 || again.purpose < 4)
    push(std::move(again));
}

}  // namespace janji::load
