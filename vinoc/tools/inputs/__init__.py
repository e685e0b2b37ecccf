"""What models are fed with: images, arrays, binary files, random values."""
