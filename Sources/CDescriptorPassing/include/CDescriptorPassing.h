// Passing an open file descriptor over a Unix socket: the CMSG macros of sendmsg(2) are not seen by Swift.
#pragma once

/// Sends `descriptor` with one byte over `socket`. Returns 0, or -1 with errno set.
int descriptor_passing_send(int socket, int descriptor);

/// Receives one descriptor from `socket`, close-on-exec. Returns it, or -1 with errno set.
int descriptor_passing_receive(int socket);

/// The user id of the process at the other end of a Unix socket, or -1 with errno set.
long descriptor_passing_peer_uid(int socket);
