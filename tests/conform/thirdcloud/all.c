/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in the place of src/engine/all.c, with one more line. */
#include "engine/alicloud/alicloud.h"
#include "engine/tencentcloud/tencentcloud.h"
#include "thirdcloud.h"

const struct engine *const engine_all[] = {
	&engine_alicloud,
	&engine_tencentcloud,
	&engine_thirdcloud,
	NULL,
};
