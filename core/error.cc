#include "kith/core/error.h"

namespace kith {

std::string with_facts(std::string_view sentence, std::initializer_list<Fact> facts) {
  std::string text(sentence);
  const char* separator = " (";
  for (const Fact& fact : facts) {
    text.append(separator).append(fact.name).append(" = ").append(fact.value);
    separator = ", ";
  }
  if (facts.size() > 0) text += ')';
  return text;
}

void detail::fail_requirement(std::string_view sentence, std::initializer_list<Fact> facts) {
  throw Error(with_facts(sentence, facts));
}

}  // namespace kith
