/* SPDX-License-Identifier: Apache-2.0 */
/* The clouds. A new one is a folder, and its line here. */
#include "engine/alicloud/alicloud.h"
#include "engine/tencentcloud/tencentcloud.h"

const struct engine *const engine_all[] = { &engine_alicloud, &engine_tencentcloud, NULL };
