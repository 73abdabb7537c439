#include "booking/round_import.hpp"

#include <algorithm>
#include <utility>

#include "booking/centre_rows.hpp"
#include "booking/slot_rows.hpp"

namespace janji {

namespace {

// Of values that could not be read.
bool follows_from(const round_fault& f, const std::vector<std::string>& told) {
  return std::ranges::any_of(told, [&](const std::string& name) {
    return name == f.where || (f.where == "closes_at" && name == "opens_at") || (f.where == "age_min" && name == "age_max");
  });
}

}  // namespace

struct round_importer::impl {
  centre_rows centres;
  slot_rows slots;
};

round_importer::round_importer(std::string_view centres_name, std::string_view slot_groups_name)
    : impl_(new impl{centre_rows(centres_name), slot_rows(slot_groups_name)}) {}
round_importer::~round_importer() = default;

void round_importer::centres(std::string_view bytes) { impl_->centres.table().feed(bytes); }
void round_importer::slot_groups(std::string_view bytes) { impl_->slots.table().feed(bytes); }

std::expected<round_definition, std::vector<import_error>> round_importer::finish(round_definition settings,
                                                                                  const std::vector<std::string>& told,
                                                                                  std::vector<import_reading>* readings,
                                                                                  const booking_end& until) {
  auto& [centres, slots] = *impl_;
  centres.table().finish();
  slots.table().finish();
  std::vector<import_error> all;
  const auto add = [&](const round_fault& f) { all.push_back({"round", 0, f.where, f.code, f.detail, 0}); };
  for (const auto& f : settings_faults(settings))
    if (!follows_from(f, told))
      add(f);
  const bool centres_known = centres.table().complete();
  settings.centres = centres.take();
  settings.groups = slots.groups(settings, centres_known, until);
  centres.table().faults().list_into(all);
  slots.table().faults().list_into(all);
  // The same rules once more, on what would be imported: nothing gets past both.
  if (all.empty() && told.empty())
    for (const auto& f : round_faults(settings))
      add(f);
  if (readings != nullptr)
    for (const auto* table : {&centres.table(), &slots.table()})
      readings->insert(readings->end(), table->readings().begin(), table->readings().end());
  if (!all.empty())
    return std::unexpected(std::move(all));
  return settings;
}

std::expected<round_definition, std::vector<import_error>> import_round(round_definition settings, const import_file& centres,
                                                                        const import_file& slot_groups,
                                                                        const std::vector<std::string>& told,
                                                                        std::vector<import_reading>* readings, const booking_end& until) {
  round_importer importer(centres.name, slot_groups.name);
  importer.centres(centres.text);
  importer.slot_groups(slot_groups.text);
  return importer.finish(std::move(settings), told, readings, until);
}

}  // namespace janji
