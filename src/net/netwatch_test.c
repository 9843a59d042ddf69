/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "net/netwatch.h"
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* In a network namespace of its own, where the loopback interface may be given addresses. */

static uv_loop_t loop;
static unsigned changes;

static void on_change(void *ctx)
{
	changes++;
	uv_stop(&loop);
}

static void on_guard(uv_timer_t *t)
{
	uv_stop(&loop);
}

static bool set_loopback_addr(const char *ip)
{
	struct ifreq req = {.ifr_name = "lo"};
	struct addr a;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(addr_parse_ip(span_z(ip), 0, &a));
	memcpy(&req.ifr_addr, &a.v4, sizeof(a.v4));

	bool is_set = ioctl(fd, SIOCSIFADDR, &req) == 0;

	req.ifr_flags = IFF_UP;
	is_set = is_set && ioctl(fd, SIOCSIFFLAGS, &req) == 0;
	close(fd);

	return is_set;
}

static void a_burst_of_changes_is_told_once(void **state)
{
	struct netwatch *w = NULL;
	uv_timer_t guard;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) && unshare(CLONE_NEWNET))
		skip();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(netwatch_new(&loop, on_change, NULL, &w), 0);
	uv_timer_init(&loop, &guard);
	uv_timer_start(&guard, on_guard, 10000, 0);
	if (set_loopback_addr("127.0.0.1") && set_loopback_addr("127.7.7.7")) {
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(changes, 1);
	}
	w = netwatch_close(w);
	uv_close((uv_handle_t *)&guard, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_of_changes_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
