// Linux headers that Swift's Glibc module does not import.
#pragma once
#ifdef __linux__
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/file.h>
#endif
