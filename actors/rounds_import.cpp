// An import in parts: each is committed before the next one is given to the log, so that what is sent and synced at once stays small
// and nothing of a round exists until all of it is there. What an end of leadership interrupts has no effect, and is begun anew by
// whoever leads next.
#include <utility>

#include "actors/rounds.hpp"

namespace janji::actors {

void rounds_actor::begin_parts(round_imported whole, operator_done done, unix_ms until, bool passed_on) {
  if (auto wrong = text_fault(whole); !wrong.empty())
    return done(std::unexpected(std::move(wrong)));
  auto answer = whole.definition.code;
  importing_.emplace(round_cutter(std::move(whole)), std::move(done), std::move(answer), unix_ms{shared_.now().value + commit_patience_ms},
                     until, passed_on);
  append_part();
}

void rounds_actor::append_part() {
  waiting w{++next_token_, incarnation_, importing_->rest.next(), {}, {}, {}, {}, false, {}, true};
  give_to_log(std::move(w));
}

// Nobody may wait for it any more.
void rounds_actor::part_committed(waiting& w) {
  const bool ends = std::holds_alternative<round_imported>(w.event);
  if (importing_ && !ends)
    return append_part();
  if (auto import = std::exchange(importing_, std::nullopt)) {
    w.done = std::move(import->done);
    w.answer = std::move(import->answer);
  }
  if (ends)
    say_done(w);
}

// Only the event that ends it can have had an effect.
void rounds_actor::part_not_appended(const waiting& w, round_committed::end how) {
  using end = round_committed::end;
  auto import = std::exchange(importing_, std::nullopt);
  if (!import)
    return;
  if (how == end::refused)
    return import->done(std::unexpected("busy: too much waits for the log of the rounds; nothing was changed"));
  if (how == end::unknown && std::holds_alternative<round_imported>(w.event))
    return import->done(std::unexpected("unknown: this node ceased to lead the rounds while it was asked; look before you ask again"));
  if (import->passed_on)
    return import->done(std::unexpected(std::string(not_led_here)));
  try_again(std::move(import->rest).whole(), std::move(import->done), import->try_until, {});
}

void rounds_actor::give_up_late_import() {
  if (!importing_ || importing_->until >= shared_.now())
    return;
  const auto import = std::exchange(importing_, std::nullopt);
  import->done(std::unexpected(import->rest.ended() ? "unknown: it is not known whether it comes true: look before you ask again"
                                                    : "busy: the log of the rounds takes too long; nothing was changed"));
}

}  // namespace janji::actors
