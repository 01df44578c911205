"""The channels: what comes in becomes values, what is said becomes request bodies; pure, without any I/O.

One module a channel (`whatsapp`, `console`), each with ``limits``, ``parse`` and ``render``: see
`fsmflow.channels.base.ChannelModule`. Posting a body and receiving a webhook belong to the application.
"""
