/* SPDX-License-Identifier: Apache-2.0 */
/* The engine for Alibaba Cloud: RAM users and STS sessions. */
#ifndef ENGINE_ALICLOUD_ALICLOUD_H
#define ENGINE_ALICLOUD_ALICLOUD_H

#include "engine/engine.h"

extern const struct engine engine_alicloud;

#endif
