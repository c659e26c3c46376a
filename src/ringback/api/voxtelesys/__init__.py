"""Voxtelesys' own Voice API under `/voxtelesys/api/v0`: calls are placed with the vendor's fields and steered by VoXML.

Known of the vendor's API is what its SDK and its n8n node send; docs/leaving/voxtelesys.md says what was chosen where they are
silent. What is told of a call goes out in the dialect `voxtelesys`.
"""
