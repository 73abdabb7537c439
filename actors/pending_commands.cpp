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

std::size_t bytes_of(const citizen_command& command) {
  std::size_t bytes = sizeof command;
  if (const auto* b = std::get_if<routed_booking>(&command))
    for (const auto& p : b->command.people)
      bytes += sizeof p + p.sealed.size();
  return bytes;
}

}  // namespace

void pending_commands::put(shard_id shard, const citizen_command& command) {
  const auto bytes = bytes_of(command);
  const std::lock_guard lock(mutex_);
  if (commands_.size() < commands_max && bytes_ + bytes <= bytes_max &&
      commands_.try_emplace(request_of(command).value, shard, command, bytes).second)
    bytes_ += bytes;
}

void pending_commands::forget(std::unordered_map<std::uint64_t, waiting>::iterator it) {
  bytes_ -= it->second.bytes;
  commands_.erase(it);
}

void pending_commands::answered(const std::vector<answer>& answers) {
  const std::lock_guard lock(mutex_);
  for (const auto& a : answers)
    if (const auto it = commands_.find(a.request.value); it != commands_.end())
      forget(it);
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
  for (auto it = commands_.begin(); it != commands_.end();) {
    const auto one = it++;
    if (deadline_of(one->second.command) <= now)
      forget(one);
  }
}

std::size_t pending_commands::size() {
  const std::lock_guard lock(mutex_);
  return commands_.size();
}

}  // namespace janji::actors
