// What becomes of mail that a shard cannot deliver. Private to shard*.cpp.
#pragma once

#include <utility>
#include <vector>

#include "actors/context.hpp"

namespace janji::actors {

// Past the bound a command is refused; what slot groups and registries send each other comes again by itself.
template <class Mail>
void refuse(node_context& shared, const Mail& mail) {
  std::vector<answer> said;
  for (const auto& input : mail.inputs)
    std::visit(
        [&](const auto& command) {
          if constexpr (requires { command.request; }) {
            said.emplace_back().request = command.request;
            said.back().what = outcome::busy;
          }
        },
        input);
  if (!said.empty())
    shared.answers(std::move(said));
}

}  // namespace janji::actors
