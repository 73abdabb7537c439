#include "actors/pending_commands.hpp"

namespace janji::actors {

namespace {

request_id request_of(const citizen_command& command) {
  return std::visit(
      [](const auto& c) {
        if constexpr (requires { c.command; })
          return c.command.request;
        else
          return c.request;
      },
      command);
}

unix_ms deadline_of(const citizen_command& command) {
  return std::visit(
      [](const auto& c) {
        if constexpr (requires { c.command; })
          return c.command.deadline;
        else
          return c.deadline;
      },
      command);
}

}  // namespace

void pending_commands::put(shard_id shard, const citizen_command& command) {
  const std::lock_guard lock(mutex_);
  if (commands_.size() < commands_max)
    commands_.try_emplace(request_of(command).value, shard, command);
}

void pending_commands::answered(const std::vector<answer>& answers) {
  const std::lock_guard lock(mutex_);
  for (const auto& a : answers)
    commands_.erase(a.request.value);
}

std::vector<citizen_command> pending_commands::of(shard_id shard, unix_ms now) {
  std::vector<citizen_command> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [request, w] : commands_)
    if (w.shard == shard && deadline_of(w.command) > now)
      out.push_back(w.command);
  return out;
}

void pending_commands::expire(unix_ms now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(commands_, [&](const auto& one) { return deadline_of(one.second.command) <= now; });
}

std::size_t pending_commands::size() {
  const std::lock_guard lock(mutex_);
  return commands_.size();
}

}  // namespace janji::actors
