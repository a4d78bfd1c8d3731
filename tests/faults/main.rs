//! Faults: after each, no process, socket, descriptor, directory or thread is
//! too many, and other clients can start. Each scenario breaks one thing and
//! looks from outside. Files named fNN are scenarios of one entry, or several, of
//! the list of failures in docs/reliability.md.

#[path = "../support/mod.rs"]
mod support;

mod app_exits;
mod bystander;
mod canary_gpus;
mod canary_hangs;
mod client_vanishes;
mod compositor_killed;
mod compositor_sigstop;
mod desktop_cannot_be_killed;
mod encode_driver_fails;
mod encode_thread_hangs;
mod f01_control_plane_goes_on;
mod f02_close_wait;
mod f04_no_system_calls;
mod f05_half_pairings;
mod f07_one_address;
mod f08_resume_rekeys;
mod f10_call_orders;
mod f11_worker_killed;
mod f12_no_shared_globals;
mod f14_cycles;
mod f19_threads;
mod f20_lobby_reconnects;
mod f21_many_viewers;
mod f23_switches;
mod f25_read_your_writes;
mod f26_failed_creates;
mod f28_relaunch;
mod f29_lobby_endings;
mod f35_three_ports;
mod f36_busy_machine;
mod f37_still_screen;
mod f38_no_hidden_queues;
mod f39_timestamps;
mod f42_screenshots;
mod f43_first_ping;
mod f44_reconnect_storm;
mod f45_idle_clients;
mod f46_stuck_keys;
mod garbage_on_every_port;
mod gpu_figures;
mod gpu_placement;
mod half_open_tls;
mod host_phases;
mod host_sigkill_and_restart;
mod lobby_desktop_dies;
mod no_capacity;
mod sound_server_killed;
mod streams_outlive_their_host;
mod vaapi_driver_fails;
mod vulkan_video_fails;
mod worker_sigkill;
mod worker_sigstop;
