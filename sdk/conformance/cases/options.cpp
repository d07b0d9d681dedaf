/// The option table, and what a plugin does with values.

#include <algorithm>
#include <cstring>
#include <set>

#include "../plugin.hpp"

namespace podium::conform {
namespace {

using sdk::testing::TestConfig;

std::string row(const podium_option& option) {
  return "its option '" + std::string(option.name) + "'";
}

bool is_snake_case(std::string_view name) {
  if (name.empty() || name.size() > 64 || name[0] < 'a' || name[0] > 'z') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

void check_row(const podium_option& option, std::set<std::string>& names) {
  if (option.size < 48) {
    throw Broken(
        "a row of its option table says that it has " + std::to_string(option.size) + " bytes",
        "sizeof(podium_option)");
  }
  if (option.name == nullptr) throw Broken("the name of an option is NULL", "a name in snake_case");
  if (!is_snake_case(option.name))
    throw Broken(row(option) + " is not in snake_case", "a-z, 0-9 and _");
  if (!names.insert(option.name).second)
    throw Broken(row(option) + " is in the table twice", "once");
  if (option.type < PODIUM_STRING || option.type > PODIUM_SECRET) {
    throw Broken(row(option) + " has the type " + std::to_string(option.type),
                 "a podium_option_type");
  }
  if (option.doc == nullptr || *option.doc == '\0') {
    throw Broken(row(option) + " has no doc", "one sentence, which people get to read");
  }
}

void has_a_sound_table(Context& context) {
  const Library library(context.settings.library);
  const auto* head = static_cast<const FactoryHead*>(library.factory(library.kind()));
  const podium_option_table* table = head->options;
  if (table == nullptr) return;
  if (table->size < 16) {
    throw Broken("its option table says that it has " + std::to_string(table->size) + " bytes",
                 "sizeof(podium_option_table)");
  }
  if (table->count > 0 && table->options == nullptr) {
    throw Broken("its option table has " + std::to_string(table->count) + " rows at NULL", "rows");
  }
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < table->count; ++i) {
    check_row(
        *reinterpret_cast<const podium_option*>(reinterpret_cast<const char*>(table->options) +
                                                std::size_t{i} * table->options->size),
        names);
  }
}

/// Whether a text is a value of the option, within its bounds.
std::string why_no_value(podium_option option, const char* text, bool bounded) {
  if (!bounded) option.min = option.max = nullptr;
  try {
    const TestConfig config({&option, 1}, {{option.name, text}}, "conform");
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

void has_usable_defaults(Context& context) {
  const Library library(context.settings.library);
  for (const podium_option& option : library.options(library.kind())) {
    for (const char* bound : {option.min, option.max}) {
      if (bound == nullptr) continue;
      const std::string reason = why_no_value(option, bound, false);
      if (!reason.empty())
        throw Broken(row(option) + " has a bound that is no value: " + reason,
                     "a value of its type");
    }
    // A secret's default is a file or variable that need not be there.
    if (option.default_value == nullptr || option.type == PODIUM_SECRET) continue;
    const std::string reason = why_no_value(option, option.default_value, true);
    if (!reason.empty()) {
      throw Broken(row(option) + " has the default " + shown(option.default_value) + ": " + reason,
                   "a value of its type, within its bounds");
    }
  }
}

/// Values of an option that its table lets pass and that an author may not have thought of.
std::vector<std::string> odd_values(const podium_option& option) {
  switch (option.type) {
    case PODIUM_STRING:
    case PODIUM_SECRET:
      return {
          "",       " ",        "\n",      std::string("a\0b", 3), "/nonexistent/podium/x", "../..",
          "%s%n%s", "\xff\xfe", "{\"a\":", std::string(5000, 'x')};
    case PODIUM_STRING_LIST:
      return {"[]", "[\"\"]", "[\"\", \"\"]", "[\"/nonexistent/x\", \"\\n\"]"};
    case PODIUM_BOOLEAN:
      return {"true", "false"};
    default:
      break;
  }
  std::vector<std::string> out;
  if (option.min != nullptr) out.emplace_back(option.min);
  if (option.max != nullptr) out.emplace_back(option.max);
  if (option.min == nullptr && option.type != PODIUM_DURATION && option.type != PODIUM_SIZE)
    out.emplace_back("-1");
  if (option.min == nullptr) out.emplace_back("0");
  return out;
}

/// The pre-flight with one value: it passes, or it says which option is wrong.
void check_refusal(Context& context, const Library& library, const std::string& name,
                   const std::string& value, bool must_refuse) {
  auto options = options_of(context);
  options[name] = value;
  with_any(context, library, options, PODIUM_DRY_RUN, [&](const auto& made) {
    const Answer& answer = made.answer();
    if (answer.ok() && must_refuse) {
      throw Broken(name + " = " + shown(value) + " was taken",
                   "a refusal in the dry run of create");
    }
    if (!answer.ok() && answer.message.find(name) == std::string::npos) {
      throw Broken("the refusal of " + name + " = " + shown(value) +
                       " does not name the option: " + told(answer),
                   "an error that contains \"" + name + "\"");
    }
  });
}

void names_what_is_wrong(Context& context) {
  const Library library(context.settings.library);
  context.kind = library.kind();
  for (const podium_option& option : library.options(context.kind)) {
    for (const std::string& value : odd_values(option)) {
      if (!why_no_value(option, value.c_str(), true).empty()) continue;  // the host refuses it
      check_refusal(context, library, option.name, value, false);
    }
  }
}

void refuses_bad_values(Context& context) {
  if (context.settings.bad_options.empty()) {
    throw NotRun("no value is known that it must refuse; say some with --bad-option NAME=VALUE");
  }
  const Library library(context.settings.library);
  context.kind = library.kind();
  const std::vector<podium_option> table = library.options(context.kind);
  for (const auto& [name, value] : context.settings.bad_options) {
    const auto row =
        std::find_if(table.begin(), table.end(), [&](const auto& it) { return it.name == name; });
    if (row == table.end())
      throw Broken("it has no option " + shown(name), "the --bad-option of a known one");
    if (!why_no_value(*row, value.c_str(), true).empty()) continue;  // the table refuses it
    check_refusal(context, library, name, value, true);
  }
}

}  // namespace

std::vector<Case> option_cases() {
  return {
      {"options/table",
       "option names are unique and in snake_case, with a known type and a sentence each",
       Kind::kAny, true, has_a_sound_table},
      {"options/defaults", "defaults and bounds are values of their types", Kind::kAny, true,
       has_usable_defaults},
  };
}

std::vector<Case> value_cases() {
  return {
      {"options/names_the_key", "create refuses a value with an error that names its option",
       Kind::kAny, false, names_what_is_wrong},
      {"options/bad_values", "create refuses, in its dry run, what the option table cannot",
       Kind::kAny, false, refuses_bad_values},
  };
}

}  // namespace podium::conform
