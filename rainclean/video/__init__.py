"""Reading clips: one FrameSource contract over video files and folders of images."""
