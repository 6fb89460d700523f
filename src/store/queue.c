/* SPDX-License-Identifier: Apache-2.0 */
#include "store/queue.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* So long a batch waits for somebody to tell what became of it. */
#define PATIENCE_NS 100000000

/* The low bits of a word; above them stands the number of the transaction. */
enum state { EMPTY, WAITING, TAKEN, COMMITTED, ALONE };
#define STATE_BITS 3

struct waiting_op {
	uint32_t kind, condition;
	uint32_t key_size, value_size;
	uint64_t expected, revision;
};

struct place {
	uint32_t count;
	struct waiting_op ops[QUEUE_OPS_MAX];
	unsigned char bytes[QUEUE_SIZE_MAX]; /* of each operation: key, value */
};

struct queue {
	_Atomic uint32_t led; /* somebody leads, or has died while it did; no more than a hint */
	/* Beside each other, because a leader reads them all. */
	_Atomic uint64_t words[QUEUE_PLACES];
	sem_t news[QUEUE_PLACES];          /* for the owners: look at your word */
	struct place places[QUEUE_PLACES]; /* takes memory only for those that are used */
};

struct queue *queue_new(void)
{
	struct queue *queue = mmap(NULL, sizeof(*queue), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (queue == MAP_FAILED)
		return NULL;
	for (unsigned i = 0; i < QUEUE_PLACES; i++)
		sem_init(&queue->news[i], 1, 0);
	return queue;
}

void queue_free(struct queue *queue)
{
	if (queue)
		munmap(queue, sizeof(*queue));
}

static uint64_t word_of(enum state state, uint64_t number)
{
	return number << STATE_BITS | (uint64_t)state;
}

static enum state state_of(uint64_t word)
{
	return (enum state)(word & ((1U << STATE_BITS) - 1));
}

/* Changes the word of a place if it is still the expected one, and wakes the owner. */
static bool tell(struct queue *queue, unsigned place, uint64_t expected, uint64_t word)
{
	if (atomic_load(&queue->words[place]) != expected ||
	    !atomic_compare_exchange_strong(&queue->words[place], &expected, word))
		return false;
	sem_post(&queue->news[place]);
	return true;
}

/* ---- The owner ---- */

static bool fits(const struct driver_op *ops, size_t count)
{
	size_t size = 0;

	if (count == 0 || count > QUEUE_OPS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (ops[i].value.size > QUEUE_SIZE_MAX)
			return false;
		size += ops[i].key.size + ops[i].value.size;
	}
	return size <= QUEUE_SIZE_MAX;
}

static unsigned char *add_bytes(unsigned char *at, struct bytes bytes)
{
	if (bytes.size)
		memcpy(at, bytes.data, bytes.size);
	return at + bytes.size;
}

static void fill(struct place *place, const struct driver_op *ops, size_t count)
{
	unsigned char *at = place->bytes;

	for (size_t i = 0; i < count; i++) {
		place->ops[i] = (struct waiting_op){
			.kind = ops[i].kind,
			.condition = ops[i].condition,
			.key_size = (uint32_t)ops[i].key.size,
			.value_size = (uint32_t)ops[i].value.size,
			.expected = ops[i].expected,
			.revision = ops[i].revision,
		};
		at = add_bytes(at, ops[i].key);
		at = add_bytes(at, ops[i].value);
	}
	place->count = (uint32_t)count;
}

bool queue_put(struct queue *queue, unsigned place, const struct driver_op *ops, size_t count)
{
	if (queue_is_pending(queue, place) || !fits(ops, count))
		return false;
	fill(&queue->places[place], ops, count);
	while (sem_trywait(&queue->news[place]) == 0)
		; /* of the last batch */
	atomic_store(&queue->words[place], WAITING);
	return true;
}

bool queue_is_pending(const struct queue *queue, unsigned place)
{
	enum state state = state_of(atomic_load(&queue->words[place]));

	return state == WAITING || state == TAKEN;
}

/* Whoever died may have left news that are none, or none where there should be: the word alone
 * counts. */
static bool wait_for_news(sem_t *news)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PATIENCE_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return sem_clockwait(news, CLOCK_MONOTONIC, &until) == 0 || errno == EINTR;
}

bool queue_may_lead(struct queue *queue, unsigned place)
{
	return !atomic_exchange(&queue->led, 1) || !wait_for_news(&queue->news[place]);
}

/* In this order: a batch that came too late for the leader either finds nobody leading, or is found
 * here. */
void queue_lead_end(struct queue *queue)
{
	atomic_store(&queue->led, 0);
	for (unsigned i = 0; i < QUEUE_PLACES; i++) {
		if (state_of(atomic_load(&queue->words[i])) == WAITING) {
			sem_post(&queue->news[i]);
			return;
		}
	}
}

bool queue_give_up(struct queue *queue, unsigned place)
{
	return tell(queue, place, word_of(WAITING, 0), word_of(ALONE, 0));
}

bool queue_claim(struct queue *queue, unsigned place)
{
	return state_of(atomic_exchange(&queue->words[place], EMPTY)) == COMMITTED;
}

/* ---- The leader ---- */

void queue_settle(struct queue *queue, uint64_t number)
{
	for (unsigned i = 0; i < QUEUE_PLACES; i++) {
		uint64_t word = atomic_load(&queue->words[i]), taken = word >> STATE_BITS;

		if (state_of(word) == TAKEN)
			tell(queue, i, word, word_of(taken < number ? COMMITTED : ALONE, taken));
	}
}

/* What another process says is not trusted further than its own place. */
static size_t read_place(const struct place *place, struct driver_op *ops)
{
	const unsigned char *at = place->bytes;
	size_t left = QUEUE_SIZE_MAX, count = place->count;

	if (count > QUEUE_OPS_MAX)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const struct waiting_op op = place->ops[i];

		if (op.key_size > left || op.value_size > left - op.key_size)
			return 0;
		ops[i] = (struct driver_op){
			.kind = (enum store_op_kind)op.kind,
			.condition = (enum store_condition)op.condition,
			.expected = op.expected,
			.key = { at, op.key_size },
			.value = { at + op.key_size, op.value_size },
			.revision = op.revision,
		};
		at += op.key_size + op.value_size;
		left -= op.key_size + op.value_size;
	}
	return driver_check_batch(ops, count) ? 0 : count;
}

size_t queue_take(struct queue *queue, unsigned place, uint64_t number, struct driver_op *ops)
{
	uint64_t waiting = word_of(WAITING, 0);
	size_t count;

	if (atomic_load(&queue->words[place]) != waiting ||
	    !atomic_compare_exchange_strong(&queue->words[place], &waiting, word_of(TAKEN, number)))
		return 0;
	count = read_place(&queue->places[place], ops);
	if (count == 0)
		queue_refuse(queue, place, number);
	return count;
}

void queue_refuse(struct queue *queue, unsigned place, uint64_t number)
{
	tell(queue, place, word_of(TAKEN, number), word_of(ALONE, number));
}

void queue_withdraw(struct queue *queue, unsigned place)
{
	atomic_store(&queue->words[place], EMPTY);
}

void queue_commit(struct queue *queue, uint64_t number)
{
	for (unsigned i = 0; i < QUEUE_PLACES; i++)
		tell(queue, i, word_of(TAKEN, number), word_of(COMMITTED, number));
}
