"""What is in a recording, where to cut it, and how it becomes chunks to be sent. The owner of ffmpeg."""
