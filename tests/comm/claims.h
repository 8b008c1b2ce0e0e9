#pragma once
#include "kith/comm/communicator.h"

namespace kith::test {

/// What holds for every communicator of any size: each is called on all ranks of a world, MPI or threads.
struct Claim {
  const char* name;
  void (*check)(Communicator& comm);
};
void messages_arrive_whole_and_in_order(Communicator& comm);
void all_reduce_is_the_fold_in_rank_order(Communicator& comm);
void all_reduces_complete_in_any_order_of_waiting(Communicator& comm);
void every_root_broadcasts(Communicator& comm);
void gathers_give_all_by_rank(Communicator& comm);
void ranks_agree_on_the_most_telling_exit_code(Communicator& comm);
void rows_arrive_as_in_the_model(Communicator& comm);
void counts_are_transposed(Communicator& comm);
void exchanges_overlap(Communicator& comm);
void shared_parts_are_read_where_they_lie(Communicator& comm);
void shared_memory_is_used_again(Communicator& comm);
void a_writer_waits_for_notes_to_be_read(Communicator& comm);
void rows_go_round_in_stages(Communicator& comm);
void another_thread_may_use_a_duplicate(Communicator& comm);
void waiting_in_vain_names_peer_and_operation(Communicator& comm);
void a_collective_without_a_rank_names_it(Communicator& comm);
void thread_defaults_and_rank_table_agree(Communicator& comm);
void clocks_of_one_host_agree(Communicator& comm);

inline constexpr Claim kClaims[] = {
    {"messages_arrive_whole_and_in_order", messages_arrive_whole_and_in_order},
    {"all_reduce_is_the_fold_in_rank_order", all_reduce_is_the_fold_in_rank_order},
    {"all_reduces_complete_in_any_order_of_waiting", all_reduces_complete_in_any_order_of_waiting},
    {"every_root_broadcasts", every_root_broadcasts},
    {"gathers_give_all_by_rank", gathers_give_all_by_rank},
    {"ranks_agree_on_the_most_telling_exit_code", ranks_agree_on_the_most_telling_exit_code},
    {"rows_arrive_as_in_the_model", rows_arrive_as_in_the_model},
    {"counts_are_transposed", counts_are_transposed},
    {"exchanges_overlap", exchanges_overlap},
    {"shared_parts_are_read_where_they_lie", shared_parts_are_read_where_they_lie},
    {"shared_memory_is_used_again", shared_memory_is_used_again},
    {"a_writer_waits_for_notes_to_be_read", a_writer_waits_for_notes_to_be_read},
    {"rows_go_round_in_stages", rows_go_round_in_stages},
    {"another_thread_may_use_a_duplicate", another_thread_may_use_a_duplicate},
    {"waiting_in_vain_names_peer_and_operation", waiting_in_vain_names_peer_and_operation},
    {"a_collective_without_a_rank_names_it", a_collective_without_a_rank_names_it},
    {"thread_defaults_and_rank_table_agree", thread_defaults_and_rank_table_agree},
    {"clocks_of_one_host_agree", clocks_of_one_host_agree},
};

}  // namespace kith::test
