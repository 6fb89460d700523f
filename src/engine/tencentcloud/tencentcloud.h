/* SPDX-License-Identifier: Apache-2.0 */
/* The engine for Tencent Cloud: CAM users and STS sessions. */
#ifndef ENGINE_TENCENTCLOUD_TENCENTCLOUD_H
#define ENGINE_TENCENTCLOUD_TENCENTCLOUD_H

#include "engine/engine.h"

extern const struct engine engine_tencentcloud;

#endif
