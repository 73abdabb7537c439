// What citizens ask of the node, apart from how it is written down: the API and the pages' forms come here with the same requests and hear
// the same ends. Every call is answered exactly once, in the same turn or later. Threads: the citizens' listener's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/node.hpp"
#include "booking/civil_time.hpp"
#include "booking/receipt.hpp"
#include "net/http.hpp"
#include "net/problem.hpp"

namespace janji::net {

struct desk_answer {
  std::optional<problem> refusal;  // none: `places` is what is booked, moved or cancelled now
  bool repeated = false;           // the outcome of an earlier request with the same key
  std::vector<booked_place> places;
  std::shared_ptr<const actors::round_catalogue> catalogue;  // that has their names
  std::string request_id;                                    // by which the log has it
};
using desk_sink = std::function<void(desk_answer&&)>;

class booking_desk {
public:
  virtual ~booking_desk() = default;
  // `body`: as POST /api/v1/bookings takes it. `look_only`: asks what became of an earlier request with that key; nothing is booked by it,
  // and where nothing was, the refusal is not_found.
  virtual void book(const request& r, std::string_view body, std::string_view key, bool look_only, desk_sink sink) = 0;
  virtual void look_up(const request& r, reference ref, std::uint8_t token_generation, desk_sink sink) = 0;
  virtual void cancel(const request& r, reference ref, std::uint8_t token_generation, std::string_view key, desk_sink sink) = 0;
  // `body`: as PATCH /api/v1/bookings/{reference} takes it.
  virtual void move(const request& r, reference ref, std::uint8_t token_generation, std::string_view body, std::string_view key,
                    desk_sink sink) = 0;
  // All that is wrong with a booking as it stands, before anything is asked: its place alone, or its fields and its people. Empty: nothing
  // that can be seen.
  virtual std::vector<problem> check(std::string_view body) = 0;
};

// A booked place in the catalogue's words; none when no round that is known here has it.
struct named_place {
  const round_definition* round = nullptr;
  const centre* at = nullptr;
  civil_date date;
  const window_definition* window = nullptr;
};
[[nodiscard]] std::optional<named_place> name_place(const actors::round_catalogue& catalogue, group_id group, window_index window);

}  // namespace janji::net
