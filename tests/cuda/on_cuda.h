#pragma once
#include <gtest/gtest.h>

#include "kith/core/cuda/device.h"

namespace kith::test {

/// Has the first device, or skips its tests and says so.
class OnCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CudaDevice::count() == 0) GTEST_SKIP() << "no CUDA device here";
    device_ = &CudaDevice::open(0);
  }
  CudaDevice& device() const { return *device_; }

 private:
  CudaDevice* device_ = nullptr;
};

}  // namespace kith::test
