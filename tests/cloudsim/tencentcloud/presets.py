# SPDX-License-Identifier: Apache-2.0
"""Preset policies: names that exist in every account, with documents good enough to evaluate.

The one idea: many names contain others, and the longer ones come first in a list, so whoever takes
the first hit of a search attaches the wrong policy.
"""
import json

PRODUCTS = ("AAI ADVISOR AME Antiddos APIGateway AS BMEIP BPaaS BSP CAM CAPTCHA CAT CBS CCN "
            "CDB CDC CDN CFS CFW CIAM CKafka CLB CLS CloudAudit CMQ CODING COS CPDP CVM CWP "
            "CynosDB DBbrain DCDB DLC DNSPod DTS ECDN ECM EIAM EMR ES ETL FaceID FMU GAAP GME "
            "HCM IAP IIA IotCloud IotExplorer IotVideo KMS LCDN LightHouse Live LVB MariaDB "
            "Memcached MGOBE MNA MongoDB Monitor MPS MS MySQL NLP OCR Organization PostgreSQL "
            "PTS PulsarMQ Redis RUM SCF SES SLS SMH SMS SQLServer SSL SSM STS TAG TAT TBaaS "
            "TBM TCB TCR TCSS TDMQ TEM TEO TIIA TIONE TIW TKE TMT TRRO TRTC TSF TTS VOD VPC "
            "WAF WeData YunJing").split()

SPECIAL = {
    "AdministratorAccess": ["*"],
    "ReadOnlyAccess": ["*:Describe*", "*:Get*", "*:List*"],
    "QcloudCamFullAccess": ["cam:*", "sts:*"],
    "QcloudCamReadOnlyAccess": ["cam:Get*", "cam:List*"],
    "QcloudSTSAssumeRoleAccess": ["sts:AssumeRole"],
    "QcloudCOSDataReadOnly": ["cos:GetObject", "cos:HeadObject"],
    "QcloudCOSDataFullControl": ["cos:*Object"],
    "QcloudCOSReadOnlyAccessForCIRole": ["cos:Get*"],
    "QcloudCOSFullAccessForMigration": ["cos:*"],
    "QcloudCVMInnerReadOnlyAccess": ["cvm:Describe*"],
}
SERVICES = {product.lower() for product in PRODUCTS} | {"name", "ckafka", "resource", "finance"}


def _document(actions):
    return json.dumps({"version": "2.0", "statement": [
        {"effect": "allow", "action": actions, "resource": ["*"]}]})


def _build():
    actions = dict(SPECIAL)
    reading = ("Describe", "Get", "List", "Head")
    for product in PRODUCTS:
        code = product.lower()
        actions.setdefault("Qcloud%sFullAccess" % product, [code + ":*"])
        actions.setdefault("Qcloud%sReadOnlyAccess" % product,
                           [code + ":" + verb + "*" for verb in reading])
    return {name: _document(allowed) for name, allowed in actions.items()}


PRESETS = _build()
#: the same in all accounts; a name that begins like another has a higher id
IDS = {name: 16313001 + n for n, name in enumerate(sorted(PRESETS))}
NAMES = {number: name for name, number in IDS.items()}
ADDED = "2019-04-19 10:55:31"
