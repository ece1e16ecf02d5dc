"""What `make notebook` opens: on loopback, with the token that it prints, fetching nothing from the network."""

c = get_config()  # noqa: F821
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_root = True  # the token keeps others out, and a clone of root's is read by root alone
c.KernelManager.transport = "ipc"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
