# Fails unless the test accuracy in RUN/summary.json is above ABOVE: cmake -DABOVE=0.6 -P check_accuracy.cmake RUN
math(EXPR last "${CMAKE_ARGC} - 1")
file(READ ${CMAKE_ARGV${last}}/summary.json summary)
string(JSON accuracy GET ${summary} test accuracy)
if(NOT accuracy GREATER ABOVE)
  message(FATAL_ERROR "the test accuracy is ${accuracy}, not above ${ABOVE}")
endif()
